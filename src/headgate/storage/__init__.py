"""The only code that knows a database driver or an object store."""
