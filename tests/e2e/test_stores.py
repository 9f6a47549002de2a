"""An instance on PostgreSQL and S3: its database killed again and again under load, and its secrets kept."""

import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.e2e.places import PASSWORD, SERVERS, Place
from tests.e2e.versions import ROWS, compiled, hosted, questions, scaling_question
from tests.object_storage import SECRET, S3Server
from tests.postgres import PostgresDatabases

from headgate.client.client import Client
from headgate.demo.load import Load
from headgate.errors import HeadgateError
from headgate.testing.instance import Instance, running_instance, until

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600), pytest.mark.parametrize("place", [SERVERS], indirect=True)]
KILLS = 10
log = logging.getLogger(__name__)


@pytest.fixture
def instance(tmp_path: Path, signing_key: Path, place: Place) -> Iterator[Instance]:
    """`fraud` inside of two workers, `scaling` in a model host."""
    home = tmp_path / "home"
    with running_instance(home, workers=2, environment=place.environment, **place.settings) as running:
        with running.client() as client:
            for number in (1, 2):
                client.register(compiled(tmp_path / "bundles", number)[0])
            client.register(hosted(tmp_path / "bundles", signing_key, 2.0))
            client.deploy("fraud:1", "fraud")
            client.deploy("scaling:1", "scaling")
        yield running


class Changes:
    """Somebody who changes something all the time, and remembers what was acknowledged."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.projects: list[str] = []
        self.deployed: list[str] = []
        self.refused = 0

    def __enter__(self) -> "Changes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def acknowledged(self) -> int:
        return len(self.projects) + len(self.deployed)

    def _work(self) -> None:
        number = 0
        with self._instance.client() as client:
            while not self._stopping.wait(0.02):
                number += 1
                try:
                    self._change(client, number)
                except HeadgateError:
                    self.refused += 1

    def _change(self, client: Client, number: int) -> None:
        if number % 4:
            client.projects.create(f"project-{number}")
            self.projects.append(f"project-{number}")
        else:
            rollout = client.deploy(f"fraud:{1 + number // 4 % 2}", "fraud")
            self.deployed.append(rollout["id"])


def test_a_database_that_is_killed_ten_times_costs_no_prediction_and_no_acknowledged_change(
    instance: Instance, tmp_path: Path, place: Place
) -> None:
    assert place.postgres is not None
    models = {f"fraud:{number}": compiled(tmp_path / "again", number)[1] for number in (1, 2)}
    with (
        Load(instance.data_url, "fraud", questions(models), connections=16, pause=0.005) as load,
        Load(instance.data_url, "scaling", [scaling_question({"scaling:1": 2.0})], connections=4, pause=0.01) as slower,
        Changes(instance) as changes,
    ):
        for _ in range(KILLS):
            so_far = changes.acknowledged
            until(lambda so_far=so_far: changes.acknowledged > so_far + 3, "changes")  # type: ignore[misc]  # bound
            place.postgres.kill()
            sent = load.sent
            until(lambda: answer_of_control(instance) == (503, True), "an answer that says to come back")
            until(lambda sent=sent: load.sent > sent + 200, "predictions meanwhile")  # type: ignore[misc]  # bound
            place.postgres.start()
    for tally in (load.tally, slower.tally):
        assert (tally.failed, tally.wrong) == (0, 0), tally.faults
    assert set(load.tally.by_version) == {"fraud:1", "fraud:2"}
    with instance.client() as client:
        assert set(changes.projects) <= {project["name"] for project in client.projects.list()}
        assert set(changes.deployed) <= {rollout["id"] for rollout in client.deployments.history("fraud")}
        assert client.audit.verify()["ok"]
    sent = load.tally.sent + slower.tally.sent
    log.info("%d predictions; %d changes acknowledged, %d refused", sent, changes.acknowledged, changes.refused)


def answer_of_control(instance: Instance) -> tuple[int, bool]:
    credentials = json.loads(instance.home.credentials.read_bytes())
    headers = {"Authorization": f"Bearer {credentials['key']}"}
    answer = httpx2.get(f"{credentials['url']}/api/v1/projects", headers=headers, timeout=30)
    return answer.status_code, "Retry-After" in answer.headers


def test_the_stores_are_shown_and_their_secrets_are_nowhere(instance: Instance) -> None:
    with instance.client() as client:
        status = client.status()
        log = client.audit.list()
    assert re.fullmatch(r"postgresql://headgate@/postgres\?host=/\S+", status["stores"]["database"])
    assert status["stores"]["artifacts"].startswith("s3://bucket-")
    told = {instance.agent_pid, instance.control_pid}
    for pid in instance.all_pids():
        for secret in (PASSWORD.encode(), SECRET.encode()):
            assert secret not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert (secret in Path(f"/proc/{pid}/environ").read_bytes()) == (pid in told)
    kept = [path for path in instance.home.path.rglob("*") if path.is_file()]
    assert any(path.name == "control.log" for path in kept)
    texts = [repr(status), repr(log), *(path.read_bytes().decode(errors="replace") for path in kept)]
    for hidden in (PASSWORD, SECRET):
        assert all(hidden not in text for text in texts)
    assert not instance.home.database.exists()


def test_without_its_database_the_node_says_what_runs_and_why_no_more_is_known(
    instance: Instance, place: Place
) -> None:
    assert place.postgres is not None
    place.postgres.kill()
    command = [sys.executable, "-m", "headgate", "status", "--output", "json"]
    environment = {"PATH": "/usr/bin:/bin", "HEADGATE_HOME": str(instance.home.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "The database cannot be reached" in found["control"]["reason"]
    assert len([worker for worker in found["workers"] if worker["ready"]]) == 2


def test_a_backup_lives_on_beside_the_original_on_servers_of_its_own(
    instance: Instance, tmp_path: Path, place: Place, s3_server: S3Server
) -> None:
    assert place.postgres is not None
    copy, new = tmp_path / "copy.tar", tmp_path / "new"
    with instance.client() as client:
        client.backups.save(copy)
        before = client.endpoints.show("fraud")
    database, artifacts = PostgresDatabases(place.postgres).create(), f"s3://{s3_server.make_bucket()}/copy"
    command = [
        sys.executable, "-m", "headgate", "restore", str(copy), "--home", str(new), "--database", database,
        "--artifacts", artifacts,
    ]  # fmt: skip
    environment = {"PATH": "/usr/bin:/bin", **place.environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    # its settings say where its state is
    with running_instance(new, environment=place.environment) as restored, restored.client() as client:
        assert client.status()["stores"]["artifacts"] == artifacts
        assert client.endpoints.show("fraud")["epoch"] == before["epoch"] + 1
        until(lambda: client.predict("fraud", [dict(ROWS[0])])["model"] == "fraud:1", "an answer")
        assert client.deploy("fraud:2", "fraud")["state"] == "promoted"
        assert client.audit.verify()["ok"]
    with instance.client() as client:
        assert client.endpoints.show("fraud")["version"] == before["version"]
        assert client.audit.verify()["ok"]
