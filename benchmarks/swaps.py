"""A whole instance whose versions are replaced under an open loop: what callers notice, and what is left in memory."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contenders import PREDICT, SIGNING_KEY
from benchmarks.forest import ENDPOINT, Forest, make_forest
from benchmarks.open_loop import Plan, begin, end
from benchmarks.processes import memory_of
from benchmarks.results import SwapResult
from benchmarks.rounds import say

from headgate.testing.instance import Instance, running_instance

# the first swaps fill pools and caches that stay
SETTLING = 2
QUESTIONS = 8
# under load; without pauses the control plane and the smoke tests alone would fill two cores
SWAP_EVERY = 1.0


def measure_swaps(folder: Path, forest: Forest, rate: float, seconds: float, swaps: int) -> SwapResult:
    """Latencies without and with swaps at the same rate, and memory before and after all of them."""
    second = make_forest(folder / "second", seed=1)
    # below HEADGATE_SIGNING_KEY the instance trusts what was packaged here
    assert os.environ.get(SIGNING_KEY)
    with running_instance(folder / "swaps", workers=1) as instance, instance.client() as client:
        versions = [str(client.register(each.compiled)["version"]) for each in (forest, second)]
        for number in range(SETTLING):
            client.deploy(versions[number % 2], ENDPOINT)
        plan = plan_for_both(instance.port, (forest, second), rate, seconds)
        before = end(begin(plan, folder))
        memory_before = _memory(instance)
        process = begin(plan, folder)
        count = 0
        while process.poll() is None or count < swaps:
            begun = time.monotonic()
            client.deploy(versions[count % 2], ENDPOINT)
            count += 1
            while process.poll() is None and time.monotonic() < begun + SWAP_EVERY:
                time.sleep(0.01)
        during = end(process)
        memory_after = _memory(instance)
    say(f"  {count} swaps: p99 {before.p99 / 1e3:.2f} → {during.p99 / 1e3:.2f} ms at {rate:,.0f}/s, "
        f"{memory_before:.0f} → {memory_after:.0f} MB")  # fmt: skip
    return SwapResult(swaps=count, before=before, during=during, memory_before=memory_before, memory_after=memory_after)


def plan_for_both(port: int, forests: tuple[Forest, Forest], rate: float, seconds: float) -> Plan:
    """One row a request, such as both versions answer alike."""
    forest, second = forests
    alike = [place for place, label in enumerate(forest.labels) if second.labels[place] == label][:QUESTIONS]
    return Plan(
        port=port,
        path=PREDICT,
        bodies=[json.dumps({"instances": [forest.rows[place]]}).encode() for place in alike],
        labels=[[forest.labels[place]] for place in alike],
        rate=rate,
        seconds=seconds,
        # the control plane, the smoke test and the loading worker need the processor that spinning would take
        spin=False,
    )


def _memory(instance: Instance) -> float:
    """Agent and worker, when what was drained has ended."""
    deadline = time.monotonic() + 10
    while len(instance.worker_pids()) > instance.workers and time.monotonic() < deadline:
        time.sleep(0.1)
    return memory_of([instance.agent_pid, *instance.worker_pids()])


@contextmanager
def own_signing_key(folder: Path) -> Iterator[None]:
    """Bundles are signed by a key made for the run, never by the user's."""
    before = os.environ.get(SIGNING_KEY)
    os.environ[SIGNING_KEY] = str(folder / "signing.key")
    try:
        yield
    finally:
        if before is None:
            del os.environ[SIGNING_KEY]
        else:
            os.environ[SIGNING_KEY] = before
