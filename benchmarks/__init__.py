"""Performance figures, each as a ratio against the peers beside it: `python -m benchmarks`."""
