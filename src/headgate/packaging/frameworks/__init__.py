"""One record per framework, and the table of them: all that packaging knows of any framework by name."""
