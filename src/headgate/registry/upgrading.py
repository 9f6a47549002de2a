"""An instance and the schema of this release: founded when it is new, upgraded when it is behind."""

import logging
from pathlib import Path

from headgate.errors import Refused
from headgate.home import Home
from headgate.ledger.events import Event, append, open_ledger
from headgate.records import Record
from headgate.storage.database import Database, Tx, open_database, sqlite_url
from headgate.storage.home_lock import home_lock
from headgate.storage.instance import ID, read_value
from headgate.storage.migrating import Schema, copy_before, migrate, read_schema

log = logging.getLogger(__name__)


class Upgrade(Record, frozen=True, kw_only=True):
    """What was found, and what was done."""

    before: str | None  # revision of the schema; None: the database was empty
    after: str
    copy: str = ""  # file as the database was before, on SQLite


def ready_instance(database: Database, keys: Path) -> None:
    """Have the database at this release's schema and its ledger open: what starts a control plane.

    A SQLite file is this instance's alone: one that is behind is copied, then upgraded. PostgreSQL may be shared with
    control planes of the release before, and its backup is its owner's: raises `Refused`, with the next step, when it
    is behind; and whenever it was written by a newer release.
    """
    schema = read_schema(database)
    if schema.behind and not database.is_sqlite:
        raise Refused(
            f"The database is at revision {schema.found}, this release works with {schema.newest}. Stop control planes "
            "of older releases, back it up, then run: headgate upgrade"
        )
    upgrade_instance(database, keys, actor="headgate", reason="start of a newer release")


def upgrade_instance(database: Database, keys: Path, *, actor: str, reason: str = "") -> Upgrade:
    """Bring the schema to this release, with an event that says so, and open the ledger. Harmless when it is there.

    Raises `Refused` when the database was written by a newer release.
    """
    schema = read_schema(database)
    if schema.found is None:
        migrate(database)
        open_ledger(database, keys)
        return Upgrade(before=None, after=schema.newest)
    open_ledger(database, keys)
    if not schema.behind:
        return Upgrade(before=schema.found, after=schema.newest)
    copy = str(copy_before(database, schema)) if database.is_sqlite else ""
    migrate(database, lambda tx: _note(tx, schema, actor, reason))
    log.info("the database was upgraded from revision %s to %s %s", schema.found, schema.newest, copy)
    return Upgrade(before=schema.found, after=schema.newest, copy=copy)


def upgrade_home(home: Home, url: str, *, actor: str, reason: str = "") -> Upgrade:
    """`upgrade_instance` for the database of a home that no control plane has open, or for the one at a URL.

    Raises `Conflict` when a control plane runs on the home.
    """
    home.create()
    with home_lock(home):
        database = open_database(url or sqlite_url(home.database))
        try:
            return upgrade_instance(database, home.keys, actor=actor, reason=reason)
        finally:
            database.close()


def _note(tx: Tx, schema: Schema, actor: str, reason: str) -> None:
    append(
        tx,
        Event(
            actor=actor,
            verb="instance.upgrade",
            object=f"instance:{read_value(tx, ID)}",
            reason=reason,
            before={"schema": schema.found},
            after={"schema": schema.newest},
        ),
    )
