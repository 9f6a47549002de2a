"""Who acts: actors, their keys, roles and grants."""
