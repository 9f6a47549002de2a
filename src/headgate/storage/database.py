"""One database behind one interface: a SQLite file of this process alone, or PostgreSQL by URL.

Write transactions run one after another on both engines, so that what a transaction has read still holds when it
writes: SQLite begins them IMMEDIATE, PostgreSQL takes one advisory lock.
"""

import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from headgate.clock import Clock, SystemClock
from headgate.errors import Corrupt, Malformed, Unavailable
from headgate.metering.control_families import CONTROL_FAMILIES, TRANSACTION_SECONDS, WAIT_SECONDS
from headgate.metering.counters import Counters
from headgate.storage.faults import translate_faults
from headgate.storage.patience import BUSY_SECONDS, QUERY_SECONDS, bound, bound_waiting, engine_options
from headgate.storage.statements import READ, READING, WRITE, time_statements

log = logging.getLogger(__name__)

# inside `with database.write() as tx` or `with database.read() as tx`
Tx = Connection

# "headgate" in ASCII: the advisory lock that all our writers on one PostgreSQL database take
WRITERS_LOCK = int.from_bytes(b"headgate", "big")
_TURN = text("SELECT pg_advisory_xact_lock(:lock)")
_SURROUNDINGS = "headgate"
_EXPECTED = "postgresql://user@host/name, or nothing for a file in the home"
FOR_TURN, FOR_CONNECTION = (("for", "turn"),), (("for", "connection"),)


@dataclass(slots=True)
class Surroundings:
    """What a transaction carries besides its connection."""

    clock: Clock
    attached: dict[str, Any]
    after_commit: dict[str, Callable[[], None]] = field(default_factory=dict)


class Database:
    """An open database. Thread-safe; close it when done."""

    def __init__(self, engine: Engine, clock: Clock, counters: Counters) -> None:
        self.engine = engine
        self.clock = clock
        self._counters = counters
        time_statements(engine, counters)
        self.attached: dict[str, Any] = {}
        self._writing = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def connections(self) -> int:
        """How many are in use."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    @property
    def location(self) -> str:
        """For people: where it is, without passwords, which a URL may hold in more than one place."""
        url = self.engine.url
        if self.is_sqlite:
            return url.database or ""
        host = url.host or url.query.get("host", "")
        shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
        return shown.render_as_string() + (f"?host={host}" if host and not url.host else "")

    @contextmanager
    def write(self, query_seconds: float = QUERY_SECONDS, turn_seconds: float | None = None) -> Iterator[Tx]:
        """One transaction that may change things: committed at the end, rolled back by any exception.

        On PostgreSQL no query of it takes longer than `query_seconds` (0: no limit), and other writers may take
        `turn_seconds` before it.

        Raises `Unavailable` when another writer keeps the database longer than 5 s or it cannot be reached, `Conflict`
        when a constraint says no, `Corrupt` when the file is damaged.
        """
        surroundings = Surroundings(self.clock, self.attached)
        timed = self._counters.timing(TRANSACTION_SECONDS, WRITE)
        with self._turn(), translate_faults(), self._connection() as tx, timed, tx.begin():
            tx.info[_SURROUNDINGS] = surroundings
            if not self.is_sqlite:
                bound(tx, query_seconds, BUSY_SECONDS if turn_seconds is None else turn_seconds)
                with self._counters.timing(WAIT_SECONDS, FOR_TURN):
                    tx.execute(_TURN, {"lock": WRITERS_LOCK})
            yield tx
        _run_after_commit(surroundings)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent view; it cannot change anything."""
        options: dict[str, Any] = {READING: True}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with translate_faults(), self._connection() as connection:
            tx = connection.execution_options(**options)
            tx.info[_SURROUNDINGS] = Surroundings(self.clock, self.attached)
            with self._counters.timing(TRANSACTION_SECONDS, READ), tx.begin() as transaction:
                if not self.is_sqlite:
                    bound(tx, QUERY_SECONDS)
                yield tx
                transaction.rollback()

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield  # the server keeps the turns
            return
        # fair among this process's threads, where SQLite's own busy handler is a lottery
        with self._counters.timing(WAIT_SECONDS, FOR_TURN):
            mine = self._writing.acquire(timeout=BUSY_SECONDS)
        if not mine:
            raise Unavailable("Another change is still being written. Try again.", retry_after=1.0)
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._counters.timing(WAIT_SECONDS, FOR_CONNECTION), translate_faults(connecting=True):
            connection = self.engine.connect()
        with connection:
            yield connection


def _run_after_commit(surroundings: Surroundings) -> None:
    for name, call in surroundings.after_commit.items():
        try:
            call()
        except (OSError, Corrupt):
            # the change is committed: answering "failed" would be untrue, and the next commit catches up
            log.exception("%s could not be written after a commit; the next commit writes it again", name)


def after_commit(tx: Tx, name: str, call: Callable[[], None]) -> None:
    """Have this called once the transaction is durable; a later call of that name replaces it."""
    surroundings_of(tx).after_commit[name] = call


def surroundings_of(tx: Tx) -> Surroundings:
    found = tx.info[_SURROUNDINGS]
    assert isinstance(found, Surroundings)
    return found


def now(tx: Tx) -> str:
    """Wall time of the transaction's clock as it is stored: ISO 8601, UTC, microseconds; text order is time order."""
    return stamp(surroundings_of(tx).clock.now())


def stamp(moment: datetime) -> str:
    """An aware UTC time as it is stored."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def sqlite_url(path: Path) -> URL:
    """The URL of a SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path))


def open_database(url: str | URL, clock: Clock | None = None, counters: Counters | None = None) -> Database:
    """Open, check and return the database at a URL: `sqlite:////path/headgate.db` or `postgresql://…`.

    A SQLite file is made (0600) when absent. Raises `Malformed` for a URL of another kind, `Corrupt` for a damaged
    file, `Unavailable` when nothing answers or psycopg is not installed.
    """
    parsed = _parse(url)
    clock = clock or SystemClock()
    counters = counters or Counters(CONTROL_FAMILIES)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, clock, counters)
    return _open_postgresql(parsed, clock, counters)


def _parse(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Malformed(f"The database URL cannot be read: expected {_EXPECTED}.") from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise Malformed(
            f"The database URL begins with {parsed.drivername}:// and nothing here speaks that: expected {_EXPECTED}."
        )
    if parsed.drivername == "sqlite" and not parsed.database:
        raise Malformed("The database URL names no file: expected sqlite:////path/to/headgate.db.")
    if password := parsed.query.get("password"):
        # where nobody prints it
        parsed = parsed.difference_update_query(["password"]).set(password=str(password))
    return parsed


def _open_sqlite(url: URL, clock: Clock, counters: Counters) -> Database:
    path = Path(url.database or "")
    with translate_faults():
        _make_file(path)
        engine = create_engine(
            url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=32, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        database = Database(engine, clock, counters)
        try:
            with database.read() as tx:
                found = tx.execute(text("PRAGMA quick_check(1)")).scalar_one()
        except BaseException:
            database.close()
            raise
    if found != "ok":
        database.close()
        raise Corrupt(
            f"{path} is damaged ({found}). Restore a backup into a new home: headgate restore FILE --home DIR."
        )
    return database


def _make_file(path: Path) -> None:
    """A new file is made here, because SQLite would make it readable for others; its -wal and -shm follow its mode.

    One that is there is never opened past SQLite: closing it again would drop every lock that this process holds on it
    (POSIX advisory locks, https://sqlite.org/howtocorrupt.html section 2.2). Raises `OSError` for a symbolic link.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "is a symbolic link", str(path)) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # the driver must not begin transactions by itself: `_begin_sqlite` does
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql(f"PRAGMA query_only={int(reading)}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _open_postgresql(url: URL, clock: Clock, counters: Counters) -> Database:
    try:
        engine = create_engine(url, **engine_options(url))
    except ModuleNotFoundError as error:
        raise Unavailable("PostgreSQL needs its driver: pip install 'headgate[postgres]'.") from error
    bound_waiting(engine)
    database = Database(engine, clock, counters)
    try:
        with database.read() as tx:
            tx.execute(text("SELECT 1"))
    except (Unavailable, DBAPIError):
        database.close()
        raise
    return database
