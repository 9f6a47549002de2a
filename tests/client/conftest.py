"""A fake control plane and a client that talks to it."""

from collections.abc import Iterator

import pytest

from headgate.client.client import Client
from headgate.testing.control import KEY, FakeControl, fake_control


@pytest.fixture
def control() -> Iterator[FakeControl]:
    with fake_control() as fake:
        yield fake


@pytest.fixture
def client(control: FakeControl) -> Iterator[Client]:
    with Client(url=control.url, key=KEY) as found:
        yield found
