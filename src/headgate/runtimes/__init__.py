"""One file per framework, one small protocol, one table of names."""
