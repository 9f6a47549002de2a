"""A key of its own for signing, so that no test touches the user's."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("keys") / "signing.key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_SIGNING_KEY", str(path))
        yield path
