"""Crash-safe record segments: what a worker appends, and how it is read back."""
