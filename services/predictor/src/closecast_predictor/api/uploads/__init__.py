"""Histories that people upload as CSV."""
