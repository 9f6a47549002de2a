"""Bundles on their way in: whole, within limits, trusted, or not at all."""

from pathlib import Path

import pytest
from tests.web.console import Console

from headgate.settings import Settings
from headgate.web.api.door import BUNDLE_TYPE


def leftovers(console: Console) -> list[str]:
    """What an upload left behind."""
    return [path.name for path in console.home.run.glob("upload-*")] + [
        path.name for path in (console.home.artifacts / "staging").iterdir()
    ]


def versions(console: Console) -> int:
    return len(console.get("/models")["items"])


def test_data_needs_no_signature(console: Console) -> None:
    answer = console.upload(console.bundle())
    assert (answer.status_code, answer.json()["signed_by"]) == (201, "")
    assert leftovers(console) == []


def test_allowed_estimators_need_no_signature(console: Console) -> None:
    answer = console.upload(console.code_bundle(runtime="sklearn"))
    assert (answer.status_code, answer.json()["signed_by"]) == (201, "")


@pytest.mark.parametrize(("runtime", "trusted_code"), [("python", ()), ("sklearn", ("their.Code",)), ("plug-in", ())])
def test_code_without_a_signature_is_refused(console: Console, runtime: str, trusted_code: tuple[str, ...]) -> None:
    answer = console.upload(console.code_bundle(None, runtime, trusted_code))
    assert (answer.status_code, answer.json()["code"]) == (409, "UNTRUSTED")
    assert "not signed" in answer.json()["error"]
    assert versions(console) == 0
    assert leftovers(console) == []


def test_code_signed_by_a_stranger_is_refused(console: Console, tmp_path: Path) -> None:
    answer = console.upload(console.code_bundle(tmp_path / "stranger.key"))
    assert (answer.status_code, answer.json()["code"]) == (409, "UNTRUSTED")
    assert "not trusted here" in answer.json()["error"]
    assert versions(console) == 0


def test_code_signed_by_the_owner_is_taken(console: Console, signing_key: Path) -> None:
    answer = console.upload(console.code_bundle(signing_key))
    assert answer.status_code == 201
    assert len(answer.json()["signed_by"]) == 16
    card = console.ask("GET", "/models/code/versions/1/card")
    assert (card.text, card.headers["Content-Type"]) == ("# Code\n", "text/markdown; charset=utf-8")


def test_a_host_is_where_code_runs(console: Console, signing_key: Path) -> None:
    console.upload(console.code_bundle(signing_key))
    console.deploy("code:1", "code")
    variant = console.tables().routes[0].variants[0]
    assert (variant.placement, variant.form) == ("host", "native")


def test_a_bundle_without_a_card_says_so(console: Console) -> None:
    console.register()
    assert console.ask("GET", "/models/fraud/versions/1/card").status_code == 404


@pytest.mark.parametrize("part", [0, 1, 511, 512, 700, -1])
def test_a_damaged_bundle_is_refused(console: Console, part: int) -> None:
    content = bytearray(console.bundle())
    content[part] ^= 0xFF
    answer = console.upload(bytes(content))
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_ARCHIVE")
    assert versions(console) == 0
    assert leftovers(console) == []


@pytest.mark.parametrize("size", [0, 1, 511, 1024, 3000])
def test_half_a_bundle_is_refused(console: Console, size: int) -> None:
    answer = console.upload(console.bundle()[:size])
    assert answer.status_code in (400, 415)
    assert versions(console) == 0


def test_what_is_no_bundle_is_refused(console: Console) -> None:
    assert console.upload(b"PK\x03\x04" + bytes(2000)).status_code == 400
    typed = {"Content-Type": "application/json"}
    assert console.ask("POST", "/versions", content=b"{}", headers=typed).status_code == 415


@pytest.mark.parametrize("chunked", [False, True])
def test_a_bundle_has_a_limit(tmp_path: Path, chunked: bool) -> None:
    console = Console(tmp_path, Settings(max_bundle_bytes=2_000))
    content = console.bundle()
    assert len(content) > 2_000
    sent = iter([content[:1_000], content[1_000:]]) if chunked else content
    answer = console.ask("POST", "/versions", content=sent, headers={"Content-Type": BUNDLE_TYPE})
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")
    assert leftovers(console) == []
    console.close()


def test_a_bundle_that_does_not_say_how_long_it_is_is_taken(console: Console) -> None:
    content = console.bundle()
    pieces = iter([content[start : start + 1_000] for start in range(0, len(content), 1_000)])
    answer = console.ask("POST", "/versions", content=pieces, headers={"Content-Type": BUNDLE_TYPE})
    assert answer.status_code == 201


def test_a_stranger_uploads_nothing(console: Console) -> None:
    content = console.bundle()
    assert console.upload(content, "").status_code == 401
    assert console.upload(content, console.key_of("viewer")).status_code == 403
    assert list((console.home.artifacts / "objects").iterdir()) == []


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    first = Console(tmp_path)
    left = first.home.run / "upload-left"
    left.mkdir()
    first.close()
    second = Console(tmp_path)
    assert not left.exists()
    second.close()


def test_too_many_uploads_at_once_are_asked_to_come_back(console: Console) -> None:
    uploads = console.app.plane.uploads
    taken = 0
    while uploads.acquire(blocking=False):
        taken += 1
    answer = console.upload(console.bundle())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    uploads.release(taken)
    assert console.upload(console.bundle()).status_code == 201


def test_nothing_is_kept_of_what_may_not_be_registered(console: Console) -> None:
    console.post("/projects", {"name": "risk"})
    key = console.key_of("developer", "risk")
    assert console.upload(console.bundle(), key).status_code == 403
    assert console.upload(console.bundle(), key, "?project=risk").status_code == 201
    assert len(list((console.home.artifacts / "objects").glob("*/*"))) == 1
