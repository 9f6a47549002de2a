"""Smaller and faster variants of a packaged model, each measured against the original before one is chosen."""
