"""What alembic runs: the revisions, on the connection that `migrate` gives, inside its transaction."""

from alembic import context

from headgate.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # SQLite can roll DDL back too: a migration killed half way leaves the old schema
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
