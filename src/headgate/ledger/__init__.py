"""The append-only, hash-chained history of everything that was changed, and by whom."""
