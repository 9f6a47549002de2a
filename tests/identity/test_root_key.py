"""The root key: made once, 0600, never shown; what is derived from it stays."""

import os
from pathlib import Path

import pytest

from headgate.derived_secrets import signing_secret, signing_subkey
from headgate.errors import Corrupt
from headgate.identity.root_key import NAME, read_signing_subkey


def test_it_is_made_once(tmp_path: Path) -> None:
    subkey = read_signing_subkey(tmp_path)
    assert read_signing_subkey(tmp_path) == subkey
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    root = (tmp_path / NAME).read_bytes()
    assert subkey == signing_subkey(root)
    assert root not in subkey


def test_one_that_another_process_makes_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, other = os.link, bytes(range(32))

    def race(source: Path, target: Path) -> None:
        Path(target).write_bytes(other)
        link(source, target)

    monkeypatch.setattr(os, "link", race)
    assert read_signing_subkey(tmp_path) == signing_subkey(other)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"short")
    with pytest.raises(Corrupt, match="backup"):
        read_signing_subkey(tmp_path)


def test_secrets_are_those_of_their_ids() -> None:
    """Fixed: a change would void every secret that was ever shown."""
    subkey = signing_subkey(bytes(32))
    secrets = {signing_secret(subkey, name) for name in ("0123abcd", "0123abce", "")}
    assert len(secrets) == 3
    assert signing_secret(subkey, "0123abcd") == "wkibfIfQTj6xxtatuewW4+PrT6HmPpX/Ey0c7UI9"
