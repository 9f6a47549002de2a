"""Which instance and key a client takes."""

import json
from pathlib import Path

import pytest

from headgate.client.address import find_address
from headgate.errors import Corrupt, Unreachable

LOCAL = {"url": "http://127.0.0.1:8090", "key": "hg_local", "node_key": "hg_node"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / ".headgate"
    folder.mkdir()
    (folder / "credentials").write_text(json.dumps(LOCAL))
    return folder


def test_the_nearest_home_upwards_is_taken(home: Path, tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    address = find_address(None, None, None, {}, below)
    assert (address.url, address.key, address.key_was_given) == ("http://127.0.0.1:8090", "hg_local", False)
    assert address.home is not None
    assert address.home.path == home


def test_arguments_beat_the_environment_which_beats_the_home(home: Path) -> None:
    environment = {"HEADGATE_URL": "http://other:1", "HEADGATE_KEY": "hg_env"}
    assert find_address(None, None, home, environment, home).url == "http://other:1"
    assert find_address(None, None, home, environment, home).key == "hg_env"
    assert find_address("http://third:2/", "hg_arg", home, environment, home).url == "http://third:2"
    assert find_address("http://third:2/", "hg_arg", home, environment, home).key == "hg_arg"


def test_the_key_of_the_home_is_never_shown_to_another_address(home: Path) -> None:
    assert find_address("http://evil:1", None, home, {}, home).key == ""
    assert find_address(None, None, home, {"HEADGATE_URL": "http://evil:1"}, home).key == ""
    assert find_address("http://127.0.0.1:8090/", None, home, {}, home).key == "hg_local"


def test_a_key_is_not_in_the_repr(home: Path) -> None:
    assert "hg_local" not in repr(find_address(None, None, home, {}, home))


def test_without_any_instance_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="headgate up"):
        find_address(None, None, tmp_path / "nothing", {}, tmp_path)


@pytest.mark.parametrize("content", ["{", "\xff"])
def test_broken_credentials_are_named(home: Path, content: str) -> None:
    (home / "credentials").write_bytes(content.encode("latin-1"))
    with pytest.raises(Corrupt, match="credentials"):
        find_address(None, None, home, {}, home)
