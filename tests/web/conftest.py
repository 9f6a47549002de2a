"""Control planes for the tests of the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.console import Console


@pytest.fixture(scope="session", autouse=True)
def own_signing_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The key of the person that these instances belong to."""
    path = tmp_path_factory.mktemp("keys") / "signing.key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_SIGNING_KEY", str(path))
        yield path


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    opened = Console(tmp_path)
    yield opened
    opened.close()
