"""Every row of one database in another: how PostgreSQL is backed up, and what is restored comes into it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Table, insert, select

from headgate.errors import Refused
from headgate.storage.database import Database, Tx, open_database, sqlite_url
from headgate.storage.migrating import copy_pages, migrate, read_schema
from headgate.storage.schema import metadata

ROWS_AT_ONCE = 500


def copy_into_file(source: Database, target: Path) -> None:
    """The database as of one moment as a SQLite file without a log beside it; `target` is there, and empty."""
    if source.is_sqlite:
        copy_pages(Path(source.engine.url.database or ""), target)
        return
    logged = target.with_name(f"{target.name}-copied")
    copy = open_database(sqlite_url(logged))
    try:
        migrate(copy)
        copy_rows(source, copy)
        copy.close()
        copy_pages(logged, target)
    finally:
        copy.close()
        for left in (logged, Path(f"{logged}-wal"), Path(f"{logged}-shm")):
            left.unlink(missing_ok=True)


def fill_empty(source: Database, url: str) -> None:
    """Make the empty database at a URL this one. Raises `Refused` when it has tables."""
    with _opened_empty(url) as target:
        migrate(target)
        copy_rows(source, target)


def require_empty(url: str) -> None:
    """Raises `Refused` when the database at a URL has tables, `Unavailable` when it is not there."""
    with _opened_empty(url):
        pass


@contextmanager
def _opened_empty(url: str) -> Iterator[Database]:
    target = open_database(url)
    try:
        if read_schema(target).found is not None:
            raise Refused(
                f"The database {target.location} holds an instance already. Restore into an empty one: createdb NAME"
            )
        yield target
    finally:
        target.close()


def copy_rows(source: Database, target: Database) -> None:
    """Replace the rows of the target, which has the same schema, by those of the source, in one transaction."""
    with source.read() as reading, target.write(query_seconds=0) as writing:
        for table in reversed(metadata.sorted_tables):
            # what migrations put in
            writing.execute(table.delete())
        for table in metadata.sorted_tables:
            _copy_table(reading, writing, table)


def _copy_table(reading: Tx, writing: Tx, table: Table) -> None:
    rows = reading.execute(select(table), execution_options={"yield_per": ROWS_AT_ONCE})
    for part in rows.mappings().partitions():
        writing.execute(insert(table), [dict(row) for row in part])
