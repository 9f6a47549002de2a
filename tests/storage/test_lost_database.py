"""A PostgreSQL that is killed, stopped or full: bounded waiting, a clear answer, and recovery by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from tests.postgres import PostgresDatabases, PostgresServer, running_postgres

from headgate.errors import HeadgateError, Unavailable
from headgate.storage import patience
from headgate.storage.database import Database, open_database
from headgate.storage.instance import raise_number, read_number
from headgate.storage.migrating import migrate

SECRET = "the-secret-of-the-database"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One that these tests may kill."""
    with running_postgres() as running:
        yield running


@pytest.fixture
def opened(server: PostgresServer) -> Iterator[Database]:
    database = open_database(PostgresDatabases(server).create())
    migrate(database)
    yield database
    database.close()


def test_a_killed_server_is_unavailable_and_used_again_when_it_is_back(
    server: PostgresServer, opened: Database
) -> None:
    for number in range(1, 3):
        with opened.write() as tx:
            assert raise_number(tx, "count") == number
        server.kill()
        for _ in range(3):
            with pytest.raises(Unavailable, match="cannot be reached") as caught, opened.write() as tx:
                raise_number(tx, "count")
            assert caught.value.retry_after
            with pytest.raises(Unavailable), opened.read() as tx:
                read_number(tx, "count")
        server.start()
        with opened.read() as tx:
            assert read_number(tx, "count") == number


def test_a_transaction_that_the_kill_meets_leaves_nothing(server: PostgresServer, opened: Database) -> None:
    with pytest.raises(Unavailable, match="idempotency"), opened.write() as tx:
        raise_number(tx, "count")
        server.kill()
        tx.execute(text("SELECT 1"))
    server.start()
    with opened.write() as tx:
        assert raise_number(tx, "count") == 1


def test_a_stopped_server_does_not_hold_who_asks_it(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUSY_SECONDS", "SILENT_SECONDS"):
        monkeypatch.setattr(patience, name, 0.3)
    opened = open_database(server.url("postgres"))
    # found out before it is used: another connection takes its place
    with stopped(opened), opened.read() as tx:
        assert tx.execute(text("SELECT 1")).scalar_one() == 1
    with opened.write(query_seconds=0.1) as tx:
        tx.execute(text("SELECT 1"))
    with pytest.raises(Unavailable), opened.write(query_seconds=0.1) as tx:
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(pid, signal.SIGSTOP)
        try:
            tx.execute(text("SELECT 1"))
        finally:
            os.kill(pid, signal.SIGCONT)
    opened.close()


@contextmanager
def stopped(database: Database) -> Iterator[None]:
    """The server's end of the connection that is used next does nothing meanwhile."""
    with database.read() as tx:
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_query_that_takes_too_long_is_given_up(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="timeout"), opened.write(query_seconds=0.1) as tx:
        tx.execute(text("SELECT pg_sleep(20)"))
    monkeypatch.setattr(patience, "SILENT_SECONDS", 0.1)
    with opened.write(query_seconds=0) as tx:
        tx.execute(text("SELECT pg_sleep(0.5)"))


def test_a_writer_that_is_stopped_does_not_keep_the_others_out_for_ever(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "IDLE_SECONDS", 0.2)
    other = open_database(opened.engine.url)
    with pytest.raises(Unavailable), opened.write() as tx:
        raise_number(tx, "count")
        # waits for the one that does nothing, until the server ends that one
        with other.write() as another:
            assert raise_number(another, "count") == 1
        raise_number(tx, "count")
    other.close()


def test_more_callers_than_connections_wait_a_bounded_time(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "BUSY_SECONDS", 0.2)
    monkeypatch.setitem(patience._POOL, "pool_size", 1)
    monkeypatch.setitem(patience._POOL, "max_overflow", 0)
    narrow = open_database(server.url("postgres"))
    with narrow.read() as _, pytest.raises(Unavailable, match="in use") as caught, narrow.read():
        pytest.fail("there is one connection only")
    assert caught.value.retry_after
    narrow.close()


@pytest.mark.parametrize(
    "place", ["headgate:{}@/nowhere?host={{}}", "headgate@/nowhere?host={{}}&password={}"], ids=["user", "query"]
)
def test_passwords_are_in_no_error_and_in_no_name(server: PostgresServer, place: str) -> None:
    folder = server.url("x").partition("host=")[2]
    url = "postgresql://" + place.format(SECRET).format(folder)
    with pytest.raises(HeadgateError) as caught:
        open_database(url)
    texts = [str(error) for error in (caught.value, caught.value.__cause__)]
    named = open_database(url.replace("/nowhere", "/postgres"))
    assert SECRET not in "".join([*texts, named.location, repr(named.engine)])
    assert named.location == f"postgresql://headgate@/postgres?host={folder}"
    named.close()


def test_values_are_not_quoted_in_errors(opened: Database) -> None:
    with pytest.raises(HeadgateError) as caught, opened.write() as tx:
        tx.execute(text("INSERT INTO instance VALUES ('a', :it), ('a', :it)"), {"it": SECRET})
    assert SECRET not in str(caught.value.__cause__)
