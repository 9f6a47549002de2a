"""What alembic runs: the revisions, on the connection that `migrate` gives, inside its transaction.

Both engines roll DDL back: a migration killed half way leaves the old schema.
"""

from alembic import context

from headgate.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
