"""A node that lives long: swaps, kills and load for minutes, and neither memory nor descriptors grow."""

import os
import random
import time
from pathlib import Path

import pytest
from benchmarks.endurance import run
from benchmarks.standing import standing
from tests.e2e.versions import compiled, hosted, questions, scaling_question

from headgate.client.client import Client
from headgate.demo.load import Load
from headgate.testing.instance import kill, running_instance, until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
SWAPS = 50
GROWTH_MB = 20
# a connection of the agent or of a client may just be open
MORE_DESCRIPTORS = 5


def test_memory_stays_where_it_is_over_many_swaps(tmp_path: Path, signing_key: Path) -> None:
    with running_instance(tmp_path / "home") as instance, instance.client() as client:
        models = {}
        for number in (1, 2):
            bundle, model = compiled(tmp_path / "bundles", number)
            models[client.register(bundle)["version"]] = model
        client.deploy("fraud:1", "fraud")
        with Load(instance.data_url, "fraud", questions(models), connections=8, pause=0.005) as load:
            swap(client, 10)
            before = standing(instance)
            swap(client, SWAPS)
            after = standing(instance)
    assert (load.tally.failed, load.tally.wrong) == (0, 0), load.tally.faults
    assert after.memory_mb - before.memory_mb <= GROWTH_MB, f"{before}, {after} after {SWAPS} swaps"
    assert after.descriptors <= before.descriptors + MORE_DESCRIPTORS


def test_half_of_the_capacity_and_a_swap_every_minute_leave_no_trace() -> None:
    seen = run(minutes=max(2, round(SECONDS / 60)))
    assert (seen.failed, seen.wrong) == (0, 0)
    last = seen.minutes[-1].standing
    assert last.memory_mb - seen.begun.memory_mb <= GROWTH_MB
    assert last.descriptors <= seen.begun.descriptors + MORE_DESCRIPTORS
    assert last.processes == seen.begun.processes


def test_a_node_outlives_random_kills(tmp_path: Path, signing_key: Path) -> None:
    chance = random.Random(20)
    with running_instance(tmp_path / "home", workers=2) as instance:
        with instance.client() as client:
            model = compiled(tmp_path / "bundles", 1)
            client.register(model[0])
            client.register(hosted(tmp_path / "bundles", signing_key, 2.0))
            client.deploy("fraud:1", "fraud")
            client.deploy("scaling:1", "scaling")
        kills = 0
        with (
            Load(instance.data_url, "fraud", questions({"fraud:1": model[1]}), connections=8, pause=0.005) as load,
            Load(instance.data_url, "scaling", [scaling_question({"scaling:1": 2.0})], connections=2) as hosted_load,
        ):
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                # slow enough for a model host's budget of starts
                time.sleep(chance.uniform(15, 25))
                victims = chance.choice([instance.worker_pids(), instance.host_pids(), [instance.control_pid]])
                if victims:
                    kill(chance.choice(victims))
                    kills += 1
                until(lambda: len(instance.worker_pids()) == 2 and instance.is_ready(), "everything back")
    # a killed worker fails what it had in flight: one request per connection
    assert load.tally.failed <= 8 * kills
    assert hosted_load.tally.failed <= 2 * kills
    assert load.tally.wrong == hosted_load.tally.wrong == 0


def swap(client: Client, times: int) -> None:
    for number in range(times):
        client.deploy(f"fraud:{2 - number % 2}", "fraud")
