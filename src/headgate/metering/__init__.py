"""What the processes of a node count: one file of series each, in `run/metrics`, and the families they belong to."""
