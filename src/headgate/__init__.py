"""Headgate takes a trained model to production and keeps it healthy there."""

__version__ = "0.1.0.dev0"
