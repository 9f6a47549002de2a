"""A bad model costs its neighbours no answer; and a leak that lasts for thousands of calls."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.neighbours import run
from tests.e2e.zoo import MB, OK, PATIENT, TOLD, ask, deployed, start_node

from headgate.agent.footprint import measure
from headgate.testing.node.node import Node, host_pids, until
from headgate.testing.zoo import Fault

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

SECONDS = float(os.environ.get("ZOO_SECONDS", "4"))
LEAKING_CALLS = 5_000


def test_no_bad_model_costs_its_neighbours_an_answer() -> None:
    results = run(SECONDS)
    assert len(results.faults) == len(TOLD)
    assert results.failed == 0, [row for row in results.faults if row.failed]


@pytest.fixture
def plain_node(tmp_path: Path) -> Iterator[Node]:
    """With the limits that a node has by itself."""
    node = start_node(tmp_path, {})
    yield node
    node.clean()


def test_a_leak_lasts_for_thousands_of_calls(plain_node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    node = plain_node
    bundle = deployed(node, "leaking", PATIENT)
    largest, hosts = 0, set()
    over = threading.Event()

    def watch() -> None:
        nonlocal largest
        while not over.wait(0.05):
            for pid in host_pids(node.home, bundle.digest):
                hosts.add(pid)
                found = measure(pid)
                largest = max(largest, found.memory if found else 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    answers = {ask(node, "leaking", Fault.LEAKS) for _ in range(LEAKING_CALLS)}
    over.set()
    watcher.join()
    assert answers == {OK}
    until(lambda: max(host.restarts for host in node.report.hosts) == 0, "a report of no crash")
    with capsys.disabled():
        print(f"\n{LEAKING_CALLS} calls, {len(hosts)} hosts, at most {largest / MB:.0f} MB resident")  # noqa: T201 (a figure)
    assert largest < node.settings.host_memory_bytes
