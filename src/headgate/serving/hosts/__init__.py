"""Model hosts: processes that run whatever must not run inside a worker, and the worker's way to them."""
