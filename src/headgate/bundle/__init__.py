"""What a packaged model is."""
