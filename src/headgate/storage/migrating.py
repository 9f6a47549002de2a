"""Bringing a database to the schema of this release."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from headgate.errors import Corrupt, Refused
from headgate.home import needing_room, sync_folder
from headgate.records import Record
from headgate.storage.database import Database, Tx
from headgate.storage.instance import found_instance

_HISTORY = Path(__file__).with_name("migrations")
# others that migrate the same database wait for their turn
TURN_SECONDS = 60.0


class Schema(Record, frozen=True, kw_only=True):
    """Where a database stands; revisions are the names of `migrations/versions`."""

    found: str | None  # None: without tables
    newest: str  # that this release works with

    @property
    def behind(self) -> bool:
        """Whether it has tables, but not those of this release."""
        return self.found not in (None, self.newest)


def read_schema(database: Database) -> Schema:
    """The revision of the database and that of this release.

    Raises `Refused`, naming both, when the database was written by a newer release.
    """
    with database.read() as tx:
        found = MigrationContext.configure(tx).get_current_revision()
    known = {script.revision for script in ScriptDirectory(str(_HISTORY)).walk_revisions()}
    if found is not None and found not in known:
        raise Refused(
            f"The database is at revision {found}, which this release does not know (it works with "
            f"{newest_revision()}). Use the newer release that wrote it, or restore a backup."
        )
    return Schema(found=found, newest=newest_revision())


def migrate(database: Database, finish: Callable[[Tx], None] | None = None) -> None:
    """Apply what is missing, all of it or nothing, and found the instance when it is new.

    On PostgreSQL under the lock of all writers. `finish` is called in the same transaction. Raises `Refused` when the
    database was written by a newer release.
    """
    read_schema(database)
    with database.write(query_seconds=0, turn_seconds=TURN_SECONDS) as tx:
        before = MigrationContext.configure(tx).get_current_revision()
        command.upgrade(_config(tx), "head")
        found_instance(tx)
        # another process may have done it while this one waited for its turn
        if finish is not None and before != newest_revision():
            finish(tx)


def copy_before(database: Database, schema: Schema) -> Path:
    """A copy of a SQLite file beside it, as it is before it is migrated. Raises `Unavailable` without room."""
    source = Path(database.engine.url.database or "")
    target = source.with_name(f"{source.name}.before-{schema.newest}")
    draft = target.with_name(f".{target.name}")
    with needing_room("a copy of the database", source.parent):
        try:
            draft.unlink(missing_ok=True)
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            copy_pages(source, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    sync_folder(source.parent)
    return target


def copy_pages(source: Path, target: Path) -> None:
    """Copy a SQLite file as of one moment, whoever writes to it, into one that needs no log beside it."""
    try:
        origin, copy = sqlite3.connect(source), sqlite3.connect(target)
        try:
            # in one step: a copy in several begins anew whenever somebody writes
            origin.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
            origin.close()
    except sqlite3.DatabaseError as error:
        raise Corrupt(f"The database could not be copied: {error}. See the disk's room and health.") from error


def newest_revision() -> str:
    """The revision that this release works with."""
    head = ScriptDirectory(str(_HISTORY)).get_current_head()
    assert head is not None
    return head


def _config(tx: Tx) -> Config:
    config = Config(attributes={"connection": tx})
    # a percent sign in the path would be read as an interpolation
    config.set_main_option("script_location", str(_HISTORY).replace("%", "%%"))
    return config
