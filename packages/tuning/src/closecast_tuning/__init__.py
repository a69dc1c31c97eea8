"""Hyperparameter search of Closecast on rolling folds, on this machine or on a Ray cluster."""
