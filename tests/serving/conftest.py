"""Workers for the tests of the data plane."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.worker_process import WorkerProcess

from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

POISON, NAN = 666.0, 777.0
FRAUD = LinearModel(fails_at=POISON, nan_at=NAN)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker with the endpoints `fraud` (classification) and `price` (regression)."""
    home = Home(tmp_path_factory.mktemp("home")).create()
    publish(home, route_table(build_bundle(home.cache, FRAUD)))
    price = LinearModel(name="price", features=("a", "b"), weights=(1.0, 1000.0), task="regression")
    publish(home, route_table(build_bundle(home.cache, price), "price"))
    process = WorkerProcess(home)
    yield process
    assert process.stop() == 0, process.logged


@pytest.fixture
def start() -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers of one's own; they are stopped afterwards."""
    started: list[WorkerProcess] = []

    def begin(home: Home, settings: Settings | None = None, name: str = "w0-test", **more: Any) -> WorkerProcess:
        started.append(WorkerProcess(home, settings, name, **more))
        return started[-1]

    yield begin
    for process in started:
        process.stop()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A node's home without any endpoint."""
    return Home(tmp_path / "home").create()
