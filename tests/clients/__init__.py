"""The official clients of other systems drive a live server."""
