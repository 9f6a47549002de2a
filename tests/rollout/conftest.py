"""The world around rollouts, on every database engine."""

import pytest
from tests.rollout.world import World

from headgate.storage.database import Database
from headgate.testing.clock import FakeClock


@pytest.fixture
def world(database: Database, clock: FakeClock) -> World:
    return World(database, clock)
