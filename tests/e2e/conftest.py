"""Instances of every kind for the acceptance tests."""

from collections.abc import Iterator

import pytest
from tests.e2e.places import KINDS, Place, opened_place


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where the instance of one test keeps its state."""
    with opened_place(request) as opened:
        yield opened


@pytest.fixture(params=KINDS, scope="module")
def shared_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One for all tests of a file."""
    with opened_place(request) as opened:
        yield opened
