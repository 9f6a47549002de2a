"""What a transaction promises, on both engines."""

import multiprocessing
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import insert, make_url, select, text

from headgate.errors import Conflict, Corrupt, HeadgateError, Malformed, Unavailable, Unusable
from headgate.storage import database as database_module
from headgate.storage.database import Database, after_commit, now, open_database, sqlite_url
from headgate.storage.instance import raise_epoch, raise_number, read_epoch, read_number, read_value, write_value
from headgate.storage.schema import instance, models, projects
from headgate.testing.clock import FakeClock


def test_a_change_is_there_after_the_block(database: Database) -> None:
    with database.write() as tx:
        write_value(tx, "colour", "blue")
    with database.read() as tx:
        assert read_value(tx, "colour") == "blue"


def test_an_exception_leaves_nothing(database: Database) -> None:
    called = []
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        write_value(tx, "colour", "blue")
        after_commit(tx, "note", lambda: called.append(1))
        _ = 1 / 0
    with database.read() as tx:
        assert read_value(tx, "colour") is None
    assert called == []


def test_reading_cannot_change_anything(database: Database) -> None:
    with pytest.raises(HeadgateError), database.read() as tx:
        write_value(tx, "colour", "blue")
    with database.write() as tx:
        assert read_value(tx, "colour") is None


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.read() as reading:
        assert read_value(reading, "colour") is None
        with database.write() as tx:
            write_value(tx, "colour", "blue")
        assert read_value(reading, "colour") is None


def test_constraints_are_conflicts(database: Database) -> None:
    row = {"name": "Default", "folded": "default", "created_at": "x"}
    with pytest.raises(Conflict), database.write() as tx:
        tx.execute(insert(projects).values(**row))


def test_foreign_keys_hold(database: Database) -> None:
    fields = {"owner": "", "description": "", "tags": {}, "last_number": 0, "revision": 1, "created_at": "x"}
    with pytest.raises(Conflict), database.write() as tx:
        tx.execute(insert(models).values(name="m", folded="m", project="nowhere", **fields))


def test_a_wrong_query_stays_a_mistake(database: Database) -> None:
    with pytest.raises(Exception, match="no_such") as caught, database.read() as tx:
        tx.execute(text("SELECT no_such FROM instance"))
    assert not isinstance(caught.value, Conflict | Malformed | Corrupt)


def test_bound_parameters_carry_anything(database: Database) -> None:
    for value in ("'; DROP TABLE instance;--", "\\", "%_", '"', "€\U0001f600", "{}"):
        with database.write() as tx:
            write_value(tx, value, value)
        with database.read() as tx:
            assert read_value(tx, value) == value


def test_times_are_text_in_order(database: Database, clock: FakeClock) -> None:
    with database.write() as tx:
        first = now(tx)
        clock.advance(0.000001)
        assert first < now(tx)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first)


def test_the_epoch_grows(database: Database) -> None:
    with database.write() as tx:
        assert read_epoch(tx) == 1
        assert raise_epoch(tx) == 2


def test_threads_lose_no_update(database: Database) -> None:
    def work(_: int) -> None:
        with database.write() as tx:
            raise_number(tx, "count")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(120)))
    with database.read() as tx:
        assert read_number(tx, "count") == 120


def count_in_process(url: str, times: int) -> None:
    opened = open_database(url)
    while times:
        # on a slow disk the others may hold SQLite longer than a writer waits: then it tries again
        with suppress(Unavailable), opened.write() as tx:
            raise_number(tx, "count")
            times -= 1
    opened.close()


def test_processes_lose_no_update(database: Database, migrated_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=count_in_process, args=(migrated_url, 25)) for _ in range(2)]
    for child in children:
        child.start()
    count_in_process(migrated_url, 25)
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    with database.read() as tx:
        assert read_number(tx, "count") == 75


def test_waiting_for_another_writer_ends(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.2)
    holder, other = open_database(migrated_url), open_database(migrated_url)
    with holder.write() as tx:
        write_value(tx, "held", "yes")
        with pytest.raises(Unavailable) as caught, other.write():
            pytest.fail("two writers at once")
        with other.read() as reading:
            assert read_value(reading, "held") is None
        assert caught.value.retry_after
    with other.write() as tx:
        assert read_value(tx, "held") == "yes"
    holder.close()
    other.close()


def test_waiting_for_a_thread_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.2)

    def write() -> None:
        with database.write():
            pytest.fail("two writers at once")

    with database.write(), ThreadPoolExecutor(1) as pool, pytest.raises(Unavailable):
        pool.submit(write).result()


WRITER = """
import sys
from headgate.storage.database import open_database
from headgate.storage.instance import raise_number
database = open_database(sys.argv[1])
while True:
    with database.write() as tx:
        number = raise_number(tx, "count")
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(database: Database, migrated_url: str) -> None:
    for target in (3, 40):
        child = subprocess.Popen([sys.executable, "-c", WRITER, migrated_url], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        acknowledged = 0
        for line in child.stdout:
            acknowledged = int(line)
            if acknowledged >= target:
                child.kill()
                break
        acknowledged = max([acknowledged, *map(int, child.stdout.read().split())])
        child.wait(30)
        child.stdout.close()
        with database.write() as tx:
            assert read_number(tx, "count") in (acknowledged, acknowledged + 1)


@pytest.mark.parametrize("url", ["mysql://x/y", "not a url", "sqlite://", "postgresql+asyncpg://x/y"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(Malformed):
        open_database(url)


def test_the_schemes_that_are_taken_are_those_of_the_documents() -> None:
    with pytest.raises(Malformed, match=r"begins with mysql://.* expected postgresql://user@host/name"):
        open_database("mysql://x/y")


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_database_that_is_not_there_is_to_be_made(migrated_url: str) -> None:
    with pytest.raises(Unusable, match="no database nope here on that server. Make it: createdb 'nope here'$"):
        open_database(make_url(migrated_url).set(database="nope here"))


def test_nothing_at_that_address_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        open_database(f"postgresql://x@/y?host={tmp_path}")


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_cut_connection_is_replaced(migrated_url: str) -> None:
    opened, killer = open_database(migrated_url), open_database(migrated_url)
    with opened.read() as tx:
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with killer.write() as tx:
        tx.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with opened.write() as tx:
        assert raise_number(tx, "count") == 1
    opened.close()
    killer.close()


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_connection_cut_in_a_transaction_is_unavailable(migrated_url: str) -> None:
    opened, killer = open_database(migrated_url), open_database(migrated_url)
    with pytest.raises(Unavailable, match="idempotency"), opened.write() as tx:
        raise_number(tx, "count")
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with killer.read() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        tx.execute(text("SELECT 1"))
    with opened.read() as tx:
        assert read_number(tx, "count") == 0
    opened.close()
    killer.close()


def test_the_sqlite_file_is_private_and_durable(tmp_path: Path) -> None:
    opened = open_database(sqlite_url(tmp_path / "odd %20 ?name#.db"))
    with opened.write() as tx:
        tx.execute(text("CREATE TABLE t (a)"))
        assert tx.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert tx.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {"0o600"}
    assert len(modes) == 3
    opened.close()


def test_opening_it_again_does_not_drop_the_locks_that_this_process_holds(tmp_path: Path) -> None:
    """Otherwise another process takes itself for the last one when it leaves, and removes the log of the living."""
    path = tmp_path / "headgate.db"
    opened = open_database(sqlite_url(path))
    with opened.write() as tx:
        tx.execute(text("CREATE TABLE t (a)"))
    again = open_database(sqlite_url(path))
    visit = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('INSERT INTO t VALUES (1)'); c.commit()"
    subprocess.run([sys.executable, "-c", f"{visit}; c.close()", path], check=True)
    assert path.with_name("headgate.db-wal").exists()
    again.close()
    opened.close()


def test_a_link_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.db").touch()
    (tmp_path / "headgate.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(OSError, match="symbolic"):
        open_database(sqlite_url(tmp_path / "headgate.db"))
    assert (tmp_path / "elsewhere.db").stat().st_size == 0


@pytest.mark.parametrize("damage", ["header", "page", "garbage", "truncated"])
def test_a_damaged_file_is_found_at_the_start(sqlite_template: Path, tmp_path: Path, damage: str) -> None:
    content = bytearray(sqlite_template.read_bytes())
    page = 4096
    if damage == "header":
        content[:16] = bytes(16)
    elif damage == "page":
        content[2 * page : 3 * page] = os.urandom(page)
    elif damage == "garbage":
        content[:] = b"this is no database, it is a poem " * 500
    else:
        del content[3 * page :]
    path = tmp_path / "headgate.db"
    path.write_bytes(content)
    with pytest.raises(Corrupt, match="restore"):
        open_database(sqlite_url(path))


def test_a_full_disk_stops_writes_only(sqlite_template: Path, tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        (mount / "headgate.db").write_bytes(sqlite_template.read_bytes())
        opened = open_database(sqlite_url(mount / "headgate.db"))
        stored = 0
        with pytest.raises(Unavailable, match="full"):
            for number in range(100):
                with opened.write() as tx:
                    write_value(tx, f"big{number}", "x" * 50_000)
                stored = number + 1
        with opened.read() as tx:
            assert len(tx.execute(select(instance).where(instance.c.key.like("big%"))).all()) == stored > 0
        subprocess.run(["mount", "-o", "remount,size=8m", mount], check=True)
        with opened.write() as tx:
            write_value(tx, "again", "yes")
        opened.close()
    finally:
        subprocess.run(["umount", mount], check=True)
