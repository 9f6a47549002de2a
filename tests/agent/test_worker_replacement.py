"""Workers die, hang and get stuck; the port goes on answering."""

import os
import signal
import time
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, until, worker_pids
from headgate.testing.node.plane import table

MakeNode = Callable[..., Node]


def get(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/healthz", headers={"Connection": "close"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_killed_worker_is_replaced(make_node: MakeNode) -> None:
    node = make_node(workers=2).start()
    until(lambda: len(node.workers()) == 2, "two workers")
    before = node.workers()
    victim = next(iter(before.values()))

    os.kill(victim.pid, signal.SIGKILL)

    until(lambda: len(node.workers()) == 2 and victim.worker not in node.workers(), "its replacement")
    assert len(node.workers().keys() & before.keys()) == 1
    assert victim.pid not in worker_pids(node.home)


def test_who_comes_while_the_only_worker_is_dead_waits_and_is_answered(node: Node) -> None:
    node.start()
    for pid in worker_pids(node.home):
        os.kill(pid, signal.SIGKILL)

    assert get(node.port) == 200


def test_a_hung_worker_is_killed_and_replaced(make_node: MakeNode) -> None:
    node = make_node(workers=2).start()
    until(lambda: len(node.workers()) == 2, "two workers")
    hung = next(iter(node.workers().values()))

    os.kill(hung.pid, signal.SIGSTOP)

    until(lambda: len(node.workers()) == 2 and hung.worker not in node.workers(), "its replacement")
    assert hung.pid not in node.pids("--worker")


def test_an_agent_that_stood_still_does_not_take_its_workers_for_hung(node: Node) -> None:
    node.start()
    before = worker_pids(node.home)
    assert node.agent is not None

    node.agent.send_signal(signal.SIGSTOP)
    # by its clock everybody has been silent
    time.sleep(1.5 * node.settings.hang_seconds)
    node.agent.send_signal(signal.SIGCONT)

    digest = node.plane.bundle("good")
    node.plane.publish(table("e", 1, digest))
    until(lambda: node.has("e", 1), "a deployment")
    assert worker_pids(node.home) == before


def test_a_worker_that_does_not_take_a_rollback_is_replaced(node: Node) -> None:
    old, new = node.plane.bundle("old"), node.plane.bundle("new")
    node.start()
    node.plane.publish(table("e", 1, old, "m:1"))
    until(lambda: node.has("e", 1), "the first version")
    before = worker_pids(node.home)

    with Load(node.port) as load:
        node.plane.publish(table("e", 2, new, "m:2-stuck"))
        until(lambda: not node.report.workers[0].ready, "the worker to be stuck")
        node.plane.publish(table("e", 3, old, "m:1"))
        until(lambda: node.has("e", 3), "the rollback")
        until(lambda: set(worker_pids(node.home)).isdisjoint(before), "the stuck worker to be gone")

    assert load.failures == []


@pytest.mark.parametrize("version", ["m:2-refused", "m:2-slow"])
def test_a_worker_that_says_no_or_is_loading_stays(node: Node, version: str) -> None:
    old, new = node.plane.bundle("old"), node.plane.bundle("new")
    node.start()
    node.plane.publish(table("e", 1, old, "m:1"))
    until(lambda: node.has("e", 1), "the first version")
    before = worker_pids(node.home)

    node.plane.publish(table("e", 2, new, version))
    # `slow` takes twice acknowledge_seconds; a refusal is followed by a table that is taken
    if "refused" in version:
        until(lambda: node.report.workers[0].failures, "the refusal")
        time.sleep(2 * node.settings.acknowledge_seconds)
        node.plane.publish(table("e", 3, old, "m:1"))
        until(lambda: node.has("e", 3), "the next table")
    else:
        until(lambda: node.has("e", 2), "the slow version")

    assert worker_pids(node.home) == before


def test_stopping_answers_what_is_there_and_leaves_nothing(make_node: MakeNode) -> None:
    node = make_node(workers=2).start()
    assert node.stop() == 0
    assert node.pids() == []
    assert list(node.home.run.glob("*.json")) == []
