"""Models as other products keep them: what is there, and what of it can be taken over."""
