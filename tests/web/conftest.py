"""Control planes for the tests of the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.console import Console


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    opened = Console(tmp_path)
    yield opened
    opened.close()
