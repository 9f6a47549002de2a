"""Bringing a database to the schema of this release."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from headgate.errors import Refused
from headgate.storage.database import Database, Tx
from headgate.storage.instance import found_instance

_HISTORY = Path(__file__).with_name("migrations")


def migrate(database: Database) -> None:
    """Apply what is missing, all of it or nothing, and found the instance when it is new.

    Raises `Refused` when the database was written by a newer release.
    """
    with database.write(query_seconds=0) as tx:
        config = _config(tx)
        _refuse_unknown(tx, config)
        command.upgrade(config, "head")
        found_instance(tx)


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


def _refuse_unknown(tx: Tx, config: Config) -> None:
    current = MigrationContext.configure(tx).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise Refused(
            f"The database is at revision {current}, which this release does not know (it works with "
            f"{newest_revision()}). Use the newer release that wrote it, or restore a backup."
        )
