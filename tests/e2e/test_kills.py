"""`kill -9` of everything, one after the other, under load."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.places import Place
from tests.e2e.versions import compiled, hosted, questions, scaling_question

from headgate.demo.load import Load
from headgate.processes import is_alive
from headgate.testing.instance import Instance, kill, running_instance, until

CONNECTIONS = 8


@pytest.fixture
def instance(tmp_path: Path, signing_key: Path, place: Place) -> Iterator[Instance]:
    """Two workers, `fraud` inside of them, `scaling` in a model host."""
    home = tmp_path / "home"
    with running_instance(home, workers=2, environment=place.environment, **place.settings) as running:
        with running.client() as client:
            client.register(compiled(tmp_path / "bundles", 1)[0])
            client.register(hosted(tmp_path / "bundles", signing_key, 2.0))
            client.deploy("fraud:1", "fraud")
            client.deploy("scaling:1", "scaling")
        yield running


def load_on_fraud(instance: Instance, tmp_path: Path) -> Load:
    model = compiled(tmp_path / "again", 1)[1]
    return Load(instance.data_url, "fraud", questions({"fraud:1": model}), connections=CONNECTIONS)


def load_on_scaling(instance: Instance) -> Load:
    return Load(instance.data_url, "scaling", [scaling_question({"scaling:1": 2.0})], connections=4)


def more(load: Load, count: int = 500) -> None:
    """Wait until that many more requests were sent."""
    start = load.sent
    until(lambda: load.sent > start + count, "more requests")


def test_a_killed_worker_fails_its_requests_in_flight_and_comes_back(instance: Instance, tmp_path: Path) -> None:
    before = set(instance.worker_pids())
    with load_on_fraud(instance, tmp_path) as load:
        more(load)
        victim = min(before)
        kill(victim)
        until(lambda: len(set(instance.worker_pids()) - {victim}) == 2, "another worker", 10)
        more(load)
    # one request is in flight on each connection
    assert load.tally.failed <= CONNECTIONS, load.tally.faults
    assert load.tally.wrong == 0, load.tally.faults


def test_a_killed_model_host_fails_nothing(instance: Instance) -> None:
    with load_on_scaling(instance) as load:
        more(load, 200)
        for _ in range(2):
            until(instance.host_pids, "a model host")
            for pid in instance.host_pids():
                kill(pid)
            more(load, 200)
    assert (load.tally.failed, load.tally.wrong) == (0, 0), load.tally.faults


def test_a_killed_agent_is_replaced_without_a_lost_request(instance: Instance, tmp_path: Path) -> None:
    workers = set(instance.worker_pids())
    with load_on_fraud(instance, tmp_path) as load, load_on_scaling(instance) as hosted_load:
        more(load)
        kill(instance.agent_pid)
        more(load)
        assert workers <= set(instance.worker_pids())
        instance.start()
        until(lambda: not any(is_alive(pid) for pid in workers), "the old workers' leave", 30)
        instance.wait_ready()
        more(load)
        more(hosted_load, 100)
    for tally in (load.tally, hosted_load.tally):
        assert (tally.failed, tally.wrong) == (0, 0), tally.faults


def test_predictions_go_on_without_control_plane_and_database(instance: Instance, tmp_path: Path, place: Place) -> None:
    with load_on_fraud(instance, tmp_path) as load, load_on_scaling(instance) as hosted_load:
        more(load)
        place.lose(instance)
        kill(instance.control_pid)
        more(load, 2_000)
        more(hosted_load, 100)
    for tally in (load.tally, hosted_load.tally):
        assert (tally.failed, tally.wrong) == (0, 0), tally.faults
    restart_without_database(instance, tmp_path)


def restart_without_database(instance: Instance, tmp_path: Path) -> None:
    """Everything again in that state: the tables on disk suffice."""
    for pid in instance.all_pids():
        kill(pid)
    until(lambda: not any(is_alive(pid) for pid in instance.all_pids()), "the end of all processes")
    instance.start()
    until(lambda: len(instance.worker_pids()) == 2 and instance.is_ready(), "the workers")
    with load_on_fraud(instance, tmp_path) as load, load_on_scaling(instance) as hosted_load:
        more(load)
        more(hosted_load, 100)
    for tally in (load.tally, hosted_load.tally):
        assert (tally.failed, tally.wrong) == (0, 0), tally.faults
