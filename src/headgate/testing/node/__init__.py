"""A node for tests: an agent whose workers, templates and control plane are small scripts that fail on request."""
