"""What the control plane shows over HTTP."""
