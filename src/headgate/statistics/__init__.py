"""Profiles and metrics: pure functions on arrays."""
