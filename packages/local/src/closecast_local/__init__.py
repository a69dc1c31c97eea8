"""The local runner: broker, model registry and every service as child processes of one command."""
