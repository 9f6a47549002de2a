"""The history of the schema, applied by `headgate.storage.migrating`."""
