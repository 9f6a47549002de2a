"""One converter process for all tests of the session: starting it takes seconds, converting milliseconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from headgate.bundle.bundle import Bundle
from headgate.packaging import package as module
from headgate.packaging.compile import Converter

Package = Callable[..., Bundle]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that spin for each other cost minutes where cores are shared."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def converter() -> Iterator[Converter]:
    started = Converter()
    yield started
    started.close()


@pytest.fixture
def package(converter: Converter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Package:
    """`headgate.package` with the session's converter, into the test's folder."""

    @contextmanager
    def started(wanted: bool) -> Iterator[Converter | None]:
        yield converter if wanted else None

    monkeypatch.setattr(module, "starting", started)
    made = 0

    def call(model: Any, **options: Any) -> Bundle:
        nonlocal made
        made += 1
        chosen: dict[str, Any] = {"name": "m", "output": tmp_path / f"bundle-{made}"} | options
        return module.package(model, **chosen)

    return call
