"""A full disk stops an upload with what to do, wherever it is met, and takes nothing with it."""

import errno
from collections.abc import Callable
from typing import Any

import pytest
from tests.web.console import Console
from tests.web.test_bundles import leftovers

from headgate.web.api.plane import UPLOADS

PLACES = {
    "its folder": "headgate.web.api.uploads.TemporaryDirectory",
    "the archive": "headgate.web.api.uploads.receive",
    "its files": "headgate.bundle.archive._copy",
}


def failing(number: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise OSError(number, "as the system says")

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("place", PLACES)
def test_a_full_disk_is_told_with_what_to_do(
    console: Console, place: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = console.bundle()
    with monkeypatch.context() as patch:
        patch.setattr(PLACES[place], failing(number))
        answer = console.upload(content)
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert "no room for the bundle" in answer.json()["error"]
    assert "Make room" in answer.json()["error"]
    assert leftovers(console) == []
    assert console.upload(content).status_code == 201


@pytest.mark.parametrize("place", PLACES)
def test_whatever_fails_the_next_upload_has_its_turn(
    console: Console, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = console.bundle()
    with monkeypatch.context() as patch:
        patch.setattr(PLACES[place], failing(errno.EIO))
        for _ in range(UPLOADS + 1):
            assert console.upload(content).status_code == 500
    assert leftovers(console) == []
    assert console.upload(content).status_code == 201
