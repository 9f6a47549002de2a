"""Projects, models, versions and aliases."""
