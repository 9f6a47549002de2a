"""The command line: one file per noun, loaded when its command is called."""
