"""The shared kernel of Closecast: what the services have in common, and nothing else."""
