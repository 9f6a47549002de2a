"""Where an instance of the acceptance tests keeps its state: in its home, or on servers that are started for it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.postgres import PostgresServer, running_postgres

from headgate.testing.instance import Instance

if TYPE_CHECKING:
    from tests.object_storage import S3Server

HOME, SERVERS = "home", "postgresql+s3"
# the whole list again on servers takes minutes; each starts a database too
KINDS = (HOME, pytest.param(SERVERS, marks=[pytest.mark.heavy, pytest.mark.timeout(600)]))
PASSWORD = "the-password-of-the-database"


@dataclass(frozen=True)
class Place:
    """Settings and environment of an instance, and how to take its state away for good."""

    lose: Callable[[Instance], None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    postgres: PostgresServer | None = None


@contextmanager
def opened_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """The place of the fixture's parameter."""
    if request.param == HOME:
        yield Place(lose=lambda instance: _ruin(instance.home.database))
        return
    s3: S3Server = request.getfixturevalue("s3_server")
    bucket = s3.make_bucket()
    with running_postgres() as postgres:

        def lose(_: Instance) -> None:
            postgres.kill()
            s3.wipe(bucket)

        yield Place(
            lose=lose,
            settings={
                # the server asks for no password; what is given goes where passwords go
                "database": postgres.url("postgres").replace("headgate@", f"headgate:{PASSWORD}@"),
                "artifacts": f"s3://{bucket}/models",
            },
            environment=s3.environment(),
            postgres=postgres,
        )


def _ruin(database: Path) -> None:
    """What is there cannot be read any more, by root neither."""
    for path in (database, database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm")):
        if path.exists():
            path.write_bytes(b"no database" * 1000)
