"""Keys that bundles are signed with: trusted, revoked, and what follows for registering, deploying and going back."""

from pathlib import Path

import pytest
from tests.web.console import Console

from headgate.bundle.signing import key_id, load_or_create_key, public_text


def public(path: Path) -> str:
    return public_text(load_or_create_key(path))


def signers(console: Console) -> dict[str, str]:
    return {each["id"]: each["state"] for each in console.get("/signers")["items"]}


def revoke(console: Console, key: str) -> list[str]:
    answering: list[str] = console.post("/signers/revoke", {"key": key, "reason": "stolen"})["answering"]
    return answering


def test_the_owner_is_trusted_and_nobody_else(console: Console, signing_key: Path) -> None:
    assert signers(console) == {key_id(public(signing_key)): "trusted"}
    [told] = console.tables().signers.trusted  # type: ignore[union-attr]  # it is always said
    assert told == public(signing_key)


def test_the_refusal_names_the_command_that_helps(console: Console, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.key"
    bundle = console.code_bundle(stranger)
    said = console.upload(bundle).json()["error"]
    assert f"headgate key trust {public(stranger)}" in said
    before = console.tables().cursor
    console.post("/signers", {"public_key": public(stranger), "note": "Ann's"})
    assert console.tables().cursor > before
    assert console.upload(bundle).status_code == 201
    [event] = [each for each in console.get("/audit")["items"] if each["verb"] == "signer.trust" and each["reason"]]
    assert event["reason"] == "Ann's"


def test_what_a_revoked_key_has_signed_is_not_taken_deployed_or_gone_back_to(
    console: Console, signing_key: Path
) -> None:
    console.upload(console.code_bundle(signing_key))
    console.deploy("code:1", "code")
    console.register()
    key = public(signing_key)
    assert revoke(console, key_id(key)) == ["code:1 behind code"]
    # it goes on until it is replaced, and is reported
    assert [table.endpoint for table in console.tables().routes] == ["code"]
    assert console.get("/signers")["items"][0]["answering"] == ["code:1 behind code"]
    assert console.tables().signers.revoked == (key,)  # type: ignore[union-attr]  # it is always said
    refused = console.ask("POST", "/deployments", json={"version": "code:1", "endpoint": "other"})
    assert refused.status_code == 409
    assert "revoked" in refused.json()["error"] and "trusted:" in refused.json()["error"]
    forced = {"version": "code:1", "endpoint": "other", "force": True, "reason": "I insist"}
    assert console.ask("POST", "/deployments", json=forced).status_code == 409
    again = console.upload(console.code_bundle(signing_key))
    assert (again.status_code, again.json()["code"]) == (409, "UNTRUSTED")
    # taking it back takes everything back
    console.post("/signers", {"public_key": key})
    assert console.upload(console.code_bundle(signing_key)).status_code == 200


def test_a_file_in_the_home_trusts_but_does_not_undo_a_revocation(tmp_path: Path, signing_key: Path) -> None:
    first = Console(tmp_path)
    revoke(first, public(signing_key))
    first.close()
    other = public(tmp_path / "other.key")
    with (tmp_path / "home" / "keys" / "trusted").open("a") as file:
        file.write(f"{other} Ann\n")
    second = Console(tmp_path)
    assert signers(second) == {key_id(public(signing_key)): "revoked", key_id(other): "trusted"}
    second.close()


def test_a_wrong_line_in_the_file_keeps_nobody_from_starting(tmp_path: Path) -> None:
    first = Console(tmp_path)
    before = signers(first)
    first.close()
    with (tmp_path / "home" / "keys" / "trusted").open("a") as file:
        file.write("no-key Ann\n")
    second = Console(tmp_path)
    assert signers(second) == before
    second.close()


@pytest.mark.parametrize("key", ["", "AAAA", "not base64 at all", "!" * 44])
def test_what_is_no_key_is_refused(console: Console, key: str) -> None:
    assert console.ask("POST", "/signers", json={"public_key": key}).status_code == 400
    assert console.ask("POST", "/signers/revoke", json={"key": key, "reason": "r"}).status_code in (400, 404)


def test_a_reason_is_needed(console: Console, signing_key: Path) -> None:
    body = {"key": public(signing_key), "reason": " "}
    assert console.ask("POST", "/signers/revoke", json=body).status_code == 400


@pytest.mark.parametrize("text", ["{{7*7}}", "{% raise %}", "${HOME}", "$SECRET", "%(x)s", "{0.__class__}", "{text}"])
def test_free_text_is_no_template(console: Console, tmp_path: Path, text: str) -> None:
    """SEC-17"""
    key = public(tmp_path / "other.key")
    assert console.post("/signers", {"public_key": key, "note": text})["note"] == text
    [signer] = [each for each in console.get("/signers")["items"] if each["public_key"] == key]
    assert signer["note"] == text
    assert text in {event["reason"] for event in console.get("/audit")["items"]}
