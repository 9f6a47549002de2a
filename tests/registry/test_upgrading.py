"""Databases of earlier releases: brought forward whole, or refused with the next step."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text
from tests.storage.snapshots import lay_down, revisions

from headgate.errors import Conflict, Refused
from headgate.home import Home
from headgate.ledger.chain import verify_ledger
from headgate.ledger.events import list_events
from headgate.registry.upgrading import ready_instance, upgrade_home, upgrade_instance
from headgate.registry.versions import get_version
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.home_lock import home_lock
from headgate.storage.migrating import newest_revision, read_schema
from headgate.storage.schema import metadata

NEWEST = newest_revision()
OLDER = [revision for revision in revisions() if revision != NEWEST]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "keys"


@pytest.fixture(params=revisions())
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old(empty_url: str, revision: str, keys: Path) -> Iterator[Database]:
    """A database as that revision wrote it."""
    keys.mkdir(parents=True)
    lay_down(revision, empty_url, keys)
    database = open_database(empty_url)
    yield database
    database.close()


def rows_of(connection: Connection) -> Rows:
    """Everything that is stored, by table; whatever its columns are."""
    found = MetaData()
    found.reflect(connection)
    return {
        table.name: sorted(([*map(dict, connection.execute(table.select()).mappings())]), key=repr)
        for table in found.sorted_tables
    }


def test_there_is_a_snapshot_of_every_revision() -> None:
    scripts = sorted(
        Path(sys.modules["headgate.storage.migrating"].__file__ or "").parent.glob("migrations/versions/r*.py")
    )
    assert revisions() == [path.name[1:5] for path in scripts], "run: python -m tests.storage.snapshots"


def test_every_revision_is_brought_forward_with_all_that_is_in_it(old: Database, revision: str, keys: Path) -> None:
    with old.read() as tx:
        before = rows_of(tx)
    done = upgrade_instance(old, keys, actor="ann", reason="newer release")
    assert (done.before, done.after) == (revision, NEWEST)
    with old.read() as tx:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(tx, opts=options), metadata) == []
        after = rows_of(tx)
        assert get_version(tx, "fraud@champion").state == "approved"
        newest = list_events(tx, limit=1).items[0]
    assert verify_ledger(old).ok
    assert (newest.verb == "instance.upgrade") == (revision != NEWEST)
    changed = {"events", "ledger_head", "personal_texts", "alembic_version"}
    for table, rows in before.items():
        if table not in changed:
            # what was there is there, whatever columns came to it
            assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows if rows else True, table
    assert len(after["events"]) == len(before["events"]) + (revision != NEWEST)
    again = upgrade_instance(old, keys, actor="ann")
    assert (again.before, again.after, again.copy) == (NEWEST, NEWEST, "")


@pytest.mark.parametrize("revision", OLDER[-1:])
def test_a_start_upgrades_the_file_of_the_home_but_not_a_shared_server(old: Database, keys: Path) -> None:
    if old.is_sqlite:
        ready_instance(old, keys)
        assert read_schema(old).found == NEWEST
        return
    with pytest.raises(Refused, match=rf"revision {OLDER[-1]}.*{NEWEST}.*headgate upgrade"):
        ready_instance(old, keys)
    assert read_schema(old).found == OLDER[-1]


@pytest.mark.parametrize("revision", OLDER)
@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_file_is_copied_before_it_is_upgraded(old: Database, revision: str, keys: Path) -> None:
    done = upgrade_instance(old, keys, actor="ann")
    copy = Path(done.copy)
    assert (copy.name, copy.stat().st_mode & 0o777) == (f"headgate.db.before-{NEWEST}", 0o600)
    with closing(open_database(sqlite_url(copy))) as kept:
        assert read_schema(kept).found == revision


@pytest.mark.parametrize("revision", [NEWEST])
def test_a_newer_schema_is_refused_naming_both(old: Database, keys: Path) -> None:
    with old.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        before = rows_of(tx)
    for attempt in (lambda: ready_instance(old, keys), lambda: upgrade_instance(old, keys, actor="ann")):
        with pytest.raises(Refused, match=rf"9999.*{NEWEST}"):
            attempt()
    with old.read() as tx:
        assert rows_of(tx) == before


@pytest.mark.parametrize("revision", OLDER[:1])
@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_several_who_upgrade_at_once_do_it_once(old: Database, empty_url: str, keys: Path) -> None:
    opened = [open_database(empty_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda database: upgrade_instance(database, keys, actor="ann"), opened))
    with old.read() as tx:
        upgrades = [event for event in list_events(tx, limit=100).items if event.verb == "instance.upgrade"]
    assert len(upgrades) == 1
    assert verify_ledger_of(old, keys)
    for database in opened:
        database.close()


def verify_ledger_of(database: Database, keys: Path) -> bool:
    ready_instance(database, keys)
    return verify_ledger(database).ok


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from headgate.registry.upgrading import upgrade_instance
from headgate.storage.database import open_database
database = open_database(sys.argv[1])
left = int(sys.argv[3])
def count(connection, cursor, statement, *rest):
    global left
    left -= statement.lstrip().startswith(("ALTER", "CREATE", "INSERT", "UPDATE"))
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(database.engine, "after_cursor_execute", count)
upgrade_instance(database, Path(sys.argv[2]), actor="ann")
"""


@pytest.mark.parametrize("revision", OLDER[:1])
@pytest.mark.parametrize("statements", [2])
def test_a_killed_upgrade_leaves_the_old_schema_and_can_be_repeated(
    old: Database, empty_url: str, revision: str, keys: Path, statements: int
) -> None:
    with old.read() as tx:
        before = rows_of(tx)
    command = [sys.executable, "-c", KILLED, empty_url, str(keys), str(statements)]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    with old.read() as tx:
        assert rows_of(tx) == before
    assert read_schema(old).found == revision
    upgrade_instance(old, keys, actor="ann")
    assert verify_ledger(old).ok


@pytest.mark.parametrize("revision", OLDER[-1:])
@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_the_command_upgrades_a_home_unless_it_is_in_use(
    old: Database, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.storage.home_lock.LOCK_SECONDS", 0.1)
    home = Home(keys.parent).create()
    Path(old.engine.url.database or "").rename(home.database)
    environment = {**os.environ, "HEADGATE_HOME": str(home.path)}
    command = [sys.executable, "-m", "headgate", "upgrade", "--reason", "newer", "--output", "json"]
    with home_lock(home), pytest.raises(Conflict, match="runs on"):
        upgrade_home(home, "", actor="ann")
    for before in (OLDER[-1], NEWEST):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert {name: json.loads(done.stdout)[name] for name in ("before", "after")} == {
            "before": before,
            "after": NEWEST,
        }
