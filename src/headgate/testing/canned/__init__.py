"""What the control plane for tests knows and answers, noun by noun; `control.py` puts HTTP in front of it."""
