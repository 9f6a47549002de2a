"""What processes of a node are told: those that decide everything, the others no way into the stores."""

import sys
from pathlib import Path

import msgspec
import pytest

from headgate.agent.launcher import Launcher
from headgate.home import Home
from headgate.settings import HANDED_ON, Settings

TELL = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
GIVEN = {
    "AWS_SECRET_ACCESS_KEY": "secret-of-s3",
    "AZURE_STORAGE_ACCOUNT_KEY": "secret-of-azure",
    "GOOGLE_SERVICE_ACCOUNT": "secret-of-google",
    "PGPASSWORD": "secret-of-libpq",
    "HEADGATE_DATABASE": "postgresql://me:secret-of-url@host/name",
    "HEADGATE_ARTIFACTS": "s3://bucket",
    "LISTEN_FDS": "1",
    "OF_A_MODEL": "kept",
}
STORES = {"database": "postgresql://me:secret-of-settings@host/name", "artifacts": "s3://bucket/prefix"}


def told(folder: Path, settings: Settings, *, decides: bool) -> dict[str, str]:
    home = Home(folder / "home").create()
    process = Launcher(home, settings).start("told", TELL, decides=decides)
    assert process.child is not None
    process.child.wait(30)
    process.close()
    return msgspec.json.decode((home.logs / "told.log").read_bytes().splitlines()[-1], type=dict[str, str])


def test_only_the_control_plane_is_told_the_way_into_the_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    settings = msgspec.convert({**STORES, "workers": 3}, Settings)
    control = told(tmp_path / "control", settings, decides=True)
    assert msgspec.json.decode(control[HANDED_ON], type=Settings) == settings
    assert control["AWS_SECRET_ACCESS_KEY"] == "secret-of-s3"
    assert "LISTEN_FDS" not in control
    worker = told(tmp_path / "worker", settings, decides=False)
    assert "secret" not in "".join(worker.values())
    assert (worker["OF_A_MODEL"], msgspec.json.decode(worker[HANDED_ON])["workers"]) == ("kept", 3)


def test_without_such_a_store_credentials_may_be_a_model_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    worker = told(tmp_path, Settings(), decides=False)
    assert (worker["AWS_SECRET_ACCESS_KEY"], worker["PGPASSWORD"]) == ("secret-of-s3", "secret-of-libpq")
    assert "HEADGATE_DATABASE" not in worker
