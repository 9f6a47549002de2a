"""The node agent: starts and replaces workers, model hosts and the control plane, and is all they know of the world."""
