"""Headgate from Python: the same nouns and verbs as the command line."""
