"""A version that cannot load and a worker that hangs: the other endpoints deploy and roll back meanwhile."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.e2e.places import Place
from tests.e2e.versions import compiled, hosted, questions, scaling_question

from headgate.bundle.bundle import Bundle
from headgate.demo.load import Load
from headgate.errors import Refused
from headgate.testing.instance import Instance, running_instance, until


@pytest.fixture
def instance(tmp_path: Path, signing_key: Path, place: Place) -> Iterator[Instance]:
    settings = {"load_seconds": 20, "hang_seconds": 3, **place.settings}
    with running_instance(tmp_path / "home", workers=2, environment=place.environment, **settings) as running:
        with running.client() as client:
            client.register(hosted(tmp_path / "bundles", signing_key, 2.0))
            client.deploy("scaling:1", "scaling")
            for number in (1, 2):
                client.register(compiled(tmp_path / "bundles", number)[0])
            client.deploy("fraud:1", "fraud")
        yield running


BAD: dict[str, Callable[..., Bundle]] = {
    "raises while it loads": partial(hosted, before="raise ValueError('the weights are missing')"),
    "answers its golden requests wrong": partial(hosted, golden_factor=17.0),
    "kills its process": partial(hosted, before="import os; os._exit(3)"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_version_that_cannot_load_takes_no_traffic(
    instance: Instance, tmp_path: Path, signing_key: Path, fault: str
) -> None:
    bad = BAD[fault](tmp_path / "bad", signing_key, 3.0)
    with (
        instance.client() as client,
        Load(instance.data_url, "scaling", [scaling_question({"scaling:1": 2.0})], connections=4) as load,
    ):
        client.register(bad)
        with pytest.raises(Refused, match="scaling:2"):
            client.deploy("scaling:2", "scaling")
        until(lambda: load.sent > 200, "requests after it")
        assert client.endpoints.show("scaling")["version"] == "scaling:1"
    assert (load.tally.failed, load.tally.wrong) == (0, 0), load.tally.faults
    assert set(load.tally.by_version) == {"scaling:1"}


def test_a_version_that_hangs_holds_nobody_else_up(instance: Instance, tmp_path: Path, signing_key: Path) -> None:
    hanging = hosted(tmp_path / "bad", signing_key, 3.0, before="import time; time.sleep(600)")
    models = {f"fraud:{number}": compiled(tmp_path / "again", number)[1] for number in (1, 2)}
    with instance.client() as client:
        client.register(hanging)
        client.deploy("scaling:2", "scaling", wait=False)
        with Load(instance.data_url, "fraud", questions(models), connections=8) as load:
            until(lambda: load.versions() == {"fraud:1"}, "answers by version 1")
            assert client.deploy("fraud:2", "fraud")["state"] == "promoted"
            assert client.deployments.wait(client.deployments.roll_back("fraud", "seen enough"))["terminal"]
            assert client.endpoints.show("fraud")["version"] == "fraud:1"
        assert not client.deployments.rollout("scaling")["terminal"]
        assert client.predict("scaling", [{"x": 3.0}])["predictions"] == [6.0]
        ended = client.deployments.wait(client.deployments.rollout("scaling"), timeout=60)
        assert ended["state"] == "failed"
    assert (load.tally.failed, load.tally.wrong) == (0, 0), load.tally.faults


def test_a_hung_worker_is_replaced_and_the_deployment_goes_through(instance: Instance) -> None:
    victim = min(instance.worker_pids())
    os.kill(victim, signal.SIGSTOP)
    with instance.client() as client:
        assert client.deploy("fraud:2", "fraud", timeout=60)["state"] == "promoted"
    until(lambda: victim not in instance.worker_pids(), "the end of the hung worker")
    until(lambda: len(instance.worker_pids()) == 2, "another worker")
