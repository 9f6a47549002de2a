"""The JSON API of the control plane: one file per noun."""
