"""What databases of each revision look like, kept so that every later release is shown to bring them forward.

`python -m tests.storage.snapshots` writes those of the revision that the code is at: run it before a release.
"""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool
from tests.postgres import postgres_binaries, running_postgres
from tests.rollout.world import World

from headgate.identity.founding import found_actors
from headgate.ledger.events import open_ledger
from headgate.ledger.idempotency import Answer, command_of, remember
from headgate.registry.aliases import set_alias
from headgate.registry.projects import create_project
from headgate.registry.versions import approve
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.migrating import migrate, newest_revision
from headgate.testing.clock import FakeClock

FOLDER = Path(__file__).with_name("snapshots")
_OF_PSQL = ("\\", "SET ", "--", "SELECT pg_catalog.set_config")
ENGINES = ("sqlite", "postgresql")


def revisions() -> list[str]:
    """Those of which there is a snapshot."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def read_snapshot(revision: str, engine: str, keys: Path) -> str:
    """The SQL that makes such a database, its ledger's key and anchor laid into `keys`."""
    keys.mkdir(exist_ok=True)
    for name in ("ledger.key", "ledger.anchor"):
        shutil.copy(FOLDER / revision / f"{engine}.{name}", keys / name)
    return (FOLDER / revision / f"{engine}.sql").read_text()


def lay_down(revision: str, url: str, keys: Path) -> None:
    """Make an empty database this snapshot's, as whoever puts a dump back does."""
    parsed = make_url(url)
    engine = parsed.get_backend_name()
    content = read_snapshot(revision, engine, keys)
    if engine == "sqlite":
        with closing(sqlite3.connect(parsed.database or "")) as opened:
            opened.executescript(content)
        return
    made = create_engine(url, poolclass=NullPool)
    with made.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(content)


def write_snapshots() -> None:
    """Those of this code's revision."""
    target = FOLDER / newest_revision()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, running_postgres() as server:
        for engine in ENGINES:
            folder = Path(scratch) / engine
            folder.mkdir()
            path = folder / "headgate.db"
            url = sqlite_url(path) if engine == "sqlite" else make_url(server.url("postgres"))
            clock = FakeClock()
            database = open_database(url, clock)
            migrate(database)
            live_a_little(database, folder, clock)
            database.close()
            text = _dump_sqlite(path) if engine == "sqlite" else _dump_postgresql(str(url.query["host"]))
            (target / f"{engine}.sql").write_text(text)
            for name in ("ledger.key", "ledger.anchor"):
                shutil.copy(folder / "keys" / name, target / f"{engine}.{name}")


def live_a_little(database: Database, folder: Path, clock: FakeClock) -> None:
    """Some of everything that an instance stores."""
    open_ledger(database, folder / "keys")
    world = World(database, clock)
    with database.write() as tx:
        found_actors(tx)
        create_project(tx, "risk", "local")
    first, second = world.register(1), world.register(2)
    with database.write() as tx:
        set_alias(tx, "fraud", "champion", 1, "local")
        approve(tx, first, "local", "sound")
    world.deploy(first)
    world.controller.step()
    for worker in ("w0", "w1"):
        world.node.take(worker)
    world.controller.step()
    world.deploy(second)
    command = command_of("local", "POST /projects", "k-1", b"{}")
    with database.write() as tx:
        remember(tx, command, Answer(status=201, body="{}"))


def _dump_sqlite(path: Path) -> str:
    with closing(sqlite3.connect(path)) as opened:
        return "\n".join(opened.iterdump()) + "\n"


def _dump_postgresql(host: str) -> str:
    binaries = postgres_binaries()
    assert binaries is not None
    command: list[str | Path] = [
        binaries / "pg_dump", "--inserts", "--no-owner", "--no-privileges", "-U", "headgate", "-h", host, "postgres",
    ]  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # what only psql understands, and what only the server's own release does
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_OF_PSQL))


if __name__ == "__main__":
    write_snapshots()
    sys.stdout.write(f"wrote {FOLDER / newest_revision()}\n")
