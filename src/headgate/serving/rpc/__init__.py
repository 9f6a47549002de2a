"""gRPC beside HTTP: the same predictions on a port of its own. Imported only by workers that speak it."""
