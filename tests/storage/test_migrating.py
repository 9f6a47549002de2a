"""One history of the schema, applied from code."""

import signal
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from headgate.errors import Refused
from headgate.storage.database import Database, open_database
from headgate.storage.instance import ID, SALT, read_value
from headgate.storage.migrating import migrate, newest_revision
from headgate.storage.schema import metadata


def differences(database: Database) -> list[object]:
    """What alembic would still have to do."""
    with database.read() as tx:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(tx, opts=options), metadata))


def test_the_migrations_make_the_declared_schema(empty_url: str) -> None:
    database = open_database(empty_url)
    assert differences(database)
    migrate(database)
    assert differences(database) == []
    database.close()


def test_migrating_again_changes_nothing(empty_url: str) -> None:
    database = open_database(empty_url)
    migrate(database)
    with database.read() as tx:
        before = (read_value(tx, ID), read_value(tx, SALT))
    migrate(database)
    with database.read() as tx:
        assert (read_value(tx, ID), read_value(tx, SALT)) == before
        assert None not in before
    database.close()


def test_defaults_are_there(database: Database) -> None:
    with database.read() as tx:
        assert tx.execute(text("SELECT name FROM projects")).scalars().all() == ["default"]
        assert set(tx.execute(text("SELECT name FROM environments")).scalars()) == {"staging", "production"}


KILLED = """
import os, signal, sys
from sqlalchemy import event
from headgate.storage.database import open_database
from headgate.storage.migrating import migrate
database = open_database(sys.argv[1])
left = int(sys.argv[2])
def count(connection, cursor, statement, *rest):
    global left
    left -= statement.lstrip().startswith(("CREATE", "INSERT"))
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(database.engine, "after_cursor_execute", count)
event.listen(database.engine, "commit", lambda connection: os.kill(os.getpid(), signal.SIGKILL))
migrate(database)
"""


@pytest.mark.parametrize("statements", [2, 15, 1000])
def test_a_killed_migration_leaves_the_old_schema_and_can_be_repeated(empty_url: str, statements: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, empty_url, str(statements)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    database = open_database(empty_url)
    with database.read() as tx:
        assert inspect(tx).get_table_names() == []
    migrate(database)
    assert differences(database) == []
    database.close()


def test_a_newer_database_is_refused(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match=f"9999.*{newest_revision()}"):
        migrate(database)
