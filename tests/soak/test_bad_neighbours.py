"""What a bad model costs its neighbours in time, printed as a table; and a leak that lasts for thousands of calls."""

import contextlib
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.zoo import FRAUD, GOOD, LATE, MB, OK, PATIENT, SPEC, TOLD, ask, deployed, start_node

from headgate.agent.footprint import measure
from headgate.demo.load import Expected, Load, Question, Tally
from headgate.testing.bundles import LinearModel
from headgate.testing.node.node import Node, host_pids, until
from headgate.testing.zoo import Fault

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

SECONDS = float(os.environ.get("ZOO_SECONDS", "4"))
LEAKING_CALLS = 5_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = start_node(tmp_path)
    yield node
    node.clean()


def neighbours(node: Node) -> tuple[Tally, Tally]:
    """Some seconds of light load on the good models."""
    url = f"http://127.0.0.1:{node.port}"
    answer = LinearModel().answer(json.loads(FRAUD)["rows"][0])
    inline = Question(FRAUD, {"fraud:1": Expected([answer["predictions"]], [answer["probabilities"]])})
    hosted = Question(GOOD, {"good:1": Expected([3.0])})
    with (
        Load(url, "fraud", [inline], connections=2, pause=0.005) as first,
        Load(url, "good", [hosted], connections=2, pause=0.005) as second,
    ):
        time.sleep(SECONDS)
    return first.tally, second.tally


@contextlib.contextmanager
def asked(node: Node, endpoint: str, fault: Fault) -> Iterator[None]:
    """One client that asks for nothing but the fault; a process of its own, or it would hold up those that measure."""

    def loop() -> None:
        while True:
            with contextlib.suppress(OSError):
                ask(node, endpoint, fault)
            time.sleep(0.005)

    process = multiprocessing.get_context("fork").Process(target=loop, daemon=True)
    process.start()
    yield
    process.kill()
    process.join()


def test_what_each_bad_model_costs_its_neighbours(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{'fault':<20}{'inline p99':>12}{'ratio':>8}{'hosted p99':>12}{'ratio':>8}{'failed':>8}"]
    neighbours(node)
    before = [tally.quantile(0.99) for tally in neighbours(node)]
    lines.append(f"{'(none)':<20}{before[0] * 1e3:>9.2f} ms{1:>8.2f}{before[1] * 1e3:>9.2f} ms{1:>8.2f}{0:>8}")
    failed = 0
    for fault in TOLD:
        endpoint = f"zoo-{fault.name.lower()}"
        deployed(node, endpoint, SPEC if TOLD[fault] == LATE else PATIENT)
        with asked(node, endpoint, fault):
            tallies = neighbours(node)
        node.plane.withdraw("fraud", "good")
        p99 = [tally.quantile(0.99) for tally in tallies]
        lost = sum(tally.failed + tally.wrong for tally in tallies)
        failed += lost
        lines.append(
            f"{fault.name:<20}{p99[0] * 1e3:>9.2f} ms{p99[0] / before[0]:>8.2f}"
            f"{p99[1] * 1e3:>9.2f} ms{p99[1] / before[1]:>8.2f}{lost:>8}"
        )
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 (the table is what this is for)
    assert failed == 0


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
