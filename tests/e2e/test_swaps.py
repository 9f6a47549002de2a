"""Replacing versions under load: no request fails, none is answered wrong, and the workers share the load."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.places import Place
from tests.e2e.versions import compiled, questions

from headgate.demo.load import Load
from headgate.testing.instance import Instance, running_instance, until

SWAPS = 20
REQUESTS = 20_000


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, shared_place: Place) -> Iterator[Instance]:
    home = tmp_path_factory.mktemp("swaps") / "home"
    with running_instance(home, workers=2, environment=shared_place.environment, **shared_place.settings) as running:
        yield running


def test_twenty_swaps_under_load_lose_nothing(instance: Instance, tmp_path: Path) -> None:
    models = {}
    with instance.client() as client:
        for number in (1, 2):
            bundle, model = compiled(tmp_path, number)
            models[client.register(bundle)["version"]] = model
        client.deploy("fraud:1", "fraud")
        with Load(instance.data_url, "fraud", questions(models), connections=32) as load:
            until(lambda: load.sent > 100, "the first requests")
            for swap in range(SWAPS):
                assert client.deploy(f"fraud:{2 - swap % 2}", "fraud")["state"] == "promoted"
            until(lambda: load.sent > REQUESTS, "enough requests", 60)
    tally = load.tally
    assert (tally.failed, tally.wrong) == (0, 0), tally.faults
    assert tally.sent > REQUESTS
    assert set(tally.by_version) == {"fraud:1", "fraud:2"}


def test_two_workers_share_32_connections(instance: Instance, tmp_path: Path) -> None:
    bundle, model = compiled(tmp_path, 7, "even")
    with instance.client() as client:
        client.register(bundle)
        client.deploy("even:1", "even")
        with Load(instance.data_url, "even", questions({"even:1": model}), connections=32, pause=0.01) as load:
            until(lambda: load.sent > 500, "every connection in use")
            until(lambda: sum(shares(instance)) >= 32, "the workers' reports")
            held = shares(instance)
    assert (load.tally.failed, load.tally.wrong) == (0, 0), load.tally.faults
    assert max(held) <= 0.6 * 32, held


def shares(instance: Instance) -> list[int]:
    with instance.client() as client:
        return [worker["connections"] for worker in client.status()["workers"]]
