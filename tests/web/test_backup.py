"""A backup over the API is one that can be restored, and a restored instance goes on."""

import io
from pathlib import Path

from tests.web.console import Console

from headgate.home import Home
from headgate.registry.restoring import restore_instance


def test_a_backup_comes_back_as_an_instance_in_a_new_epoch(console: Console, tmp_path: Path) -> None:
    console.deploy(console.register())
    answer = console.ask("POST", "/backup")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-tar")
    assert console.get("/audit")["items"][0]["verb"] == "instance.backup"
    other = tmp_path / "other"
    restore_instance(io.BytesIO(answer.content), Home(other / "home"), actor="ann")
    restored = Console(other)
    try:
        assert restored.key == console.key, "keys that still verify are kept"
        endpoint = restored.get("/endpoints/fraud")
        assert (endpoint["version"], endpoint["epoch"], endpoint["generation"]) == ("fraud:1", 2, 2)
        assert restored.tables().cursor > console.tables().cursor
        assert restored.get("/audit/verify")["ok"]
    finally:
        restored.close()


def test_keys_that_the_database_does_not_know_are_made_anew(console: Console, tmp_path: Path) -> None:
    console.home.credentials.write_bytes(b'{"url": "http://127.0.0.1:8090", "key": "hg_0", "node_key": "hg_1"}')
    console.close()
    again = Console(tmp_path)
    try:
        assert again.key != console.key
        assert again.get("/status")["home"] == str(console.home.path)
        assert again.home.credentials.stat().st_mode & 0o777 == 0o600
    finally:
        again.close()
