"""Requests and answers, as OpenAPI shows them."""
