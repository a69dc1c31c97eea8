"""Forecasting without torch: histories, features, the base, and trained models through ONNX Runtime."""
