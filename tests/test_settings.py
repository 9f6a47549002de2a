"""Settings: handed on whole, and what they may not open."""

from pathlib import Path

import msgspec
import pytest

from headgate.errors import Malformed, Refused
from headgate.settings import (
    Settings,
    check_exposure,
    load_settings,
    reachable,
    read_settings,
    to_environment,
    without_control,
)


def test_settings_come_from_who_starts_it_or_from_the_environment(tmp_path: Path) -> None:
    handed_on = to_environment(Settings(workers=3))
    assert read_settings(tmp_path, {**handed_on, "HEADGATE_WORKERS": "4"}) == Settings(workers=3)
    assert read_settings(tmp_path, {"HEADGATE_WORKERS": "4"}).workers == 4
    assert read_settings(tmp_path, {"HEADGATE_SETTINGS": ""}) == Settings()


@pytest.mark.parametrize("text", ["{", "[]", '{"no_such_setting": 1}', '{"port": "x"}'])
def test_settings_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Malformed, match="HEADGATE_SETTINGS"):
        read_settings(tmp_path, {"HEADGATE_SETTINGS": text})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_nothing(host: str) -> None:
    check_exposure(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])
def test_beyond_loopback_keys_and_tls_are_needed(host: str) -> None:
    own, proxy = {"tls_cert": "cert.pem"}, {"behind_proxy": True}
    for chosen in ({}, {"require_keys": True}, own, proxy, own | proxy):
        with pytest.raises(Refused, match="--require-keys and TLS"):
            check_exposure(msgspec.convert(chosen | {"host": host}, Settings))
    for chosen in (own, proxy, own | proxy):
        check_exposure(msgspec.convert(chosen | {"host": host, "require_keys": True}, Settings))


def test_files_are_named_from_where_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_settings(home, {}, {"tls_cert": "a.pem"}).tls_cert == str(tmp_path / "a.pem")
    assert load_settings(home, {"HEADGATE_TLS_KEY": "b.pem"}, {}).tls_key == str(tmp_path / "b.pem")
    (home / "headgate.toml").write_text('tls_cert = "c.pem"')
    assert load_settings(home, {}, {}).tls_cert == str(home / "c.pem")
    assert load_settings(home, {}, {"tls_cert": ""}).tls_cert == ""
    assert (load_settings(home, {}, {}).scheme, Settings().scheme) == ("https", "http")


def test_an_artifact_store_is_a_folder_or_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_settings(home, {}, {"artifacts": "store"}).artifacts == str(tmp_path / "store")
    (home / "headgate.toml").write_text('artifacts = "beside"')
    assert load_settings(home, {}, {}).artifacts == str(home / "beside")
    for url in ("s3://bucket/prefix", "file:///srv/store"):
        assert load_settings(home, {"HEADGATE_ARTIFACTS": url}, {}).artifacts == url


def test_what_only_the_control_plane_knows_is_left_out_for_others() -> None:
    whole = Settings(database="postgresql://me:secret@host/name", artifacts="s3://bucket", workers=3)
    assert without_control(whole) == Settings(workers=3)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("10.0.0.1", "10.0.0.1"), ("gate", "gate")],
)
def test_an_address_stands_in_a_url(host: str, shown: str) -> None:
    assert reachable(host) == shown
