"""A real database for every test that asks for one: SQLite and a PostgreSQL server that the tests start."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from tests.object_storage import S3Server, running_s3
from tests.postgres import PostgresDatabases, PostgresServer, running_postgres

from headgate.ledger.events import open_ledger
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.migrating import migrate
from headgate.storage.schema import metadata
from headgate.testing.clock import FakeClock

# many instances run at once: who tries gRPC names a port
os.environ["HEADGATE_GRPC_PORT"] = "0"
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One for all tests; each makes its database."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Every test that uses a database runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: PostgresServer) -> PostgresDatabases:
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


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One for all tests; each makes its bucket."""
    with running_s3(tmp_path_factory.mktemp("s3") / "log") as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, and the environment in which this process and its children reach it."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server.make_bucket()


@pytest.fixture
def aws_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for AWS's own settings, and no machine that is asked for a role."""
    folder = tmp_path_factory.mktemp("aws")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return folder


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
