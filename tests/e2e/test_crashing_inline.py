"""A version that ends workers from inside is found out, counted, and runs in hosts of its own from then on."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.records import Placement, RouteTable, Variant
from headgate.testing.bundles import BuiltBundle, build_bundle, route_table
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, table_on_disk, until, worker_pids
from headgate.testing.zoo import Fault, build_zoo

FRAUD = b'{"rows": [{"age": 1.0, "income": 2.0, "balance": 3.0}]}'


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(
        tmp_path, fakes="control", workers=1, hang_seconds=3.0, load_seconds=20.0, acknowledge_seconds=10.0
    ).start()
    fraud = build_bundle(node.plane.folder / "made")
    node.plane.offer(fraud.folder)
    node.plane.publish(route_table(fraud))
    until(lambda: node.has("fraud", 1), "the good one", 60)
    yield node
    node.clean()


@pytest.fixture
def zoo(node: Node) -> BuiltBundle:
    """A crashing model inside the worker."""
    bundle = build_zoo(node.plane.folder / "made")
    node.plane.offer(bundle.folder)
    node.plane.publish(placed(bundle, 1))
    until(lambda: node.has("zoo", 1), "the bad one", 60)
    return bundle


def placed(bundle: BuiltBundle, generation: int, placement: Placement = "inline") -> RouteTable:
    variant = Variant(version="zoo:1", digest=bundle.digest, form="native", placement=placement)
    return route_table(bundle, "zoo", generation=generation, variants=(variant,))


def ask(node: Node, fault: Fault) -> tuple[int, str]:
    """Status and code; (0, "") when the worker died."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    try:
        body = json.dumps({"instances": [[fault, 1.0]]})
        connection.request("POST", "/v1/endpoints/zoo/predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()).get("code", "")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def crash(node: Node, fault: Fault) -> None:
    """One more worker dies of it."""
    victim = until(lambda: [worker.pid for worker in node.workers().values()], "a worker")
    assert ask(node, fault) == (0, "")
    until(lambda: set(worker_pids(node.home)).isdisjoint(victim) and node.has("zoo", 1), "another worker")


def placement(node: Node) -> Placement:
    return table_on_disk(node.home, "zoo").variants[0].placement


def metrics(node: Node) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def deaths(node: Node) -> int:
    return sum(count.workers for count in node.report.crashes if count.version == "zoo:1")


@pytest.mark.parametrize(
    "fault", [Fault.SEGFAULT, pytest.param(Fault.EXITS, marks=pytest.mark.heavy)], ids=lambda fault: fault.name
)
def test_two_dead_workers_move_a_version_to_hosts(node: Node, zoo: BuiltBundle, fault: Fault) -> None:
    crash(node, fault)
    until(lambda: deaths(node) == 1, "the first count")
    assert placement(node) == "inline"
    crash(node, fault)
    until(lambda: placement(node) == "host", "the move")
    until(lambda: ask(node, fault) == (500, "POISON_REQUEST"), "the same request in a host")

    worker = worker_pids(node.home)
    with Load(node.port, clients=2, path="/v1/endpoints/fraud/predict", body=FRAUD) as load:
        assert ask(node, Fault.NONE) == (200, "")
        assert ask(node, fault) == (500, "POISON_REQUEST")
        until(lambda: load.answered > 20, "answers by the other version")
    assert load.failures == []
    assert worker_pids(node.home) == worker
    assert node.report.failures == {} and deaths(node) == 2
    until(lambda: 'process="worker"} 2' in metrics(node), "the metric")
    told = subprocess.run(
        [sys.executable, "-m", "headgate.agent.status", "--home", node.home.path], capture_output=True, check=True
    )
    assert [count["workers"] for count in json.loads(told.stdout)["crashes"]] == [2]


def test_an_agent_that_was_killed_remembers(node: Node, zoo: BuiltBundle) -> None:
    for _ in range(2):
        crash(node, Fault.SEGFAULT)
    until(lambda: placement(node) == "host", "the move")
    node.kill()
    node.start()
    node.plane.publish(placed(zoo, 2))
    until(lambda: node.has("zoo", 2), "the next table", 60)
    assert placement(node) == "host"
    until(lambda: ask(node, Fault.SEGFAULT) == (500, "POISON_REQUEST"), "the same request in a host")


def test_hosts_outlive_a_worker_that_dies_while_they_answer_it(node: Node) -> None:
    bundle = build_zoo(node.plane.folder / "made")
    node.plane.offer(bundle.folder)
    node.plane.publish(placed(bundle, 1, "host"))
    until(lambda: node.has("zoo", 1), "the hosted one", 60)
    hosts, [victim] = host_pids(node.home, bundle.digest), worker_pids(node.home)
    waiting = [threading.Thread(target=ask, args=(node, Fault.SLEEPS)) for _ in range(4)]
    for thread in waiting:
        thread.start()
    until(lambda: node.workers() and ask(node, Fault.NONE) == (200, ""), "an answer after a batch that sleeps")
    os.kill(victim, signal.SIGKILL)
    for thread in waiting:
        thread.join()
    until(lambda: victim not in worker_pids(node.home) and ask(node, Fault.NONE) == (200, ""), "another worker")
    assert host_pids(node.home, bundle.digest) == hosts
    assert [host.restarts for host in node.report.hosts] == [0]
    until(lambda: all(worker.in_flight == 0 for worker in node.report.workers), "nothing in flight")


@pytest.mark.heavy
def test_a_version_that_hangs_its_workers_is_counted(node: Node, zoo: BuiltBundle) -> None:
    # in a thread it would hang nobody: only what is short runs on the loop
    crash(node, Fault.HOLDS)
    until(lambda: deaths(node) == 1, "the count")


def test_a_worker_that_is_killed_from_outside_is_nobodys_fault(node: Node, zoo: BuiltBundle) -> None:
    [victim] = worker_pids(node.home)
    with Load(node.port, clients=2, path="/v1/endpoints/fraud/predict", body=FRAUD):
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in worker_pids(node.home) and node.has("fraud", 1), "another worker")
    assert node.report.crashes == ()
