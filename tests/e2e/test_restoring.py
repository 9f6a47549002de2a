"""Back up, restore into a new home: the ledger verifies, and the workers there accept the new epoch."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.places import Place
from tests.e2e.versions import ROWS, compiled

from headgate.testing.instance import running_instance


def test_a_backup_lives_on_in_a_new_home(tmp_path: Path, place: Place) -> None:
    copy = tmp_path / "copy.tar"
    with (
        running_instance(tmp_path / "old", environment=place.environment, **place.settings) as old,
        old.client() as client,
    ):
        for number in (1, 2):
            client.register(compiled(tmp_path / "bundles", number)[0])
            client.deploy(f"fraud:{number}", "fraud")
        before = client.endpoints.show("fraud")
        run("--quiet", "backup", "--output", str(copy), home=old.home.path)
    assert copy.stat().st_mode & 0o777 == 0o600
    run("restore", str(copy), "--home", str(tmp_path / "new"))
    with running_instance(tmp_path / "new") as new, new.client() as client:
        after = client.endpoints.show("fraud")
        assert after["version"] == before["version"] == "fraud:2"
        assert after["epoch"] == before["epoch"] + 1
        # at once: ready is when all that the control plane named is there
        assert client.predict("fraud", [dict(ROWS[0])])["model"] == "fraud:2"
        assert client.audit.verify()["ok"]
        assert client.deploy("fraud:1", "fraud")["state"] == "promoted"
        assert client.status()["workers"][0]["generations"]["fraud"][0] == after["epoch"]


def test_a_copy_that_is_started_beside_the_original_leaves_it_alone(tmp_path: Path, place: Place) -> None:
    copy = tmp_path / "copy.tar"
    with (
        running_instance(tmp_path / "old", environment=place.environment, **place.settings) as old,
        old.client() as client,
    ):
        client.register(compiled(tmp_path / "bundles", 1)[0])
        run("--quiet", "backup", "--output", str(copy), home=old.home.path)
        run("restore", str(copy), "--home", str(tmp_path / "new"))
        with running_instance(tmp_path / "new") as new, new.client() as copied:
            assert copied.status()["home"] == str(new.home.path)
            copied.projects.create("only-in-the-copy")
            assert "only-in-the-copy" not in {each["name"] for each in client.projects.list()}
            assert client.status()["agent"]["pid"] == old.agent_pid


def run(*arguments: str, home: Path | None = None) -> None:
    environment = {"HEADGATE_HOME": str(home)} if home else {}
    done = subprocess.run(
        [sys.executable, "-m", "headgate", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
