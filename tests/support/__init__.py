"""What the tests of every package share: real brokers and registries."""
