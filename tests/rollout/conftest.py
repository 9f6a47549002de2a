"""A database, a clock that the test owns, and the world around them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rollout.world import World

from headgate.ledger.events import open_ledger
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.migrating import migrate
from headgate.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Iterator[Database]:
    opened = open_database(sqlite_url(tmp_path / "headgate.db"), clock)
    migrate(opened)
    open_ledger(opened, tmp_path / "keys")
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database, clock: FakeClock) -> World:
    return World(database, clock)
