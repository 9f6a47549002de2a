"""What the disk and the workers tell when nobody else does."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from headgate.agent.status import node_status
from headgate.home import Home
from headgate.testing.node.node import Node, host_pids, until, worker_pids
from headgate.testing.node.plane import table

MakeNode = Callable[..., Node]


def test_a_home_where_nothing_has_run(tmp_path: Path) -> None:
    status = node_status(Home(tmp_path).create())
    assert (status["agent"], status["control"], status["workers"], status["hosts"]) == (None, None, [], [])


def test_everything_that_lives_is_shown(node: Node) -> None:
    digest = node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("e", 3, digest, "m:7", placement="host"))
    until(lambda: node.has("e", 3), "the endpoint")

    status = node_status(node.home)

    assert node.agent is not None
    assert status["agent"]["pid"] == node.agent.pid
    assert status["control"]["pid"] == node.journal["control_pid"]
    assert status["data"]["url"] == f"http://127.0.0.1:{node.port}"
    (worker,) = status["workers"]
    assert (worker["pid"], worker["ready"], worker["generation"]) == (worker_pids(node.home)[0], True, 3)
    assert [host["pid"] for host in status["hosts"]] == host_pids(node.home, digest)
    (endpoint,) = status["endpoints"]
    assert (endpoint["endpoint"], endpoint["version"], endpoint["state"]) == ("e", "m:7", "live")


def test_addresses_are_those_that_are_listened_on(make_node: MakeNode) -> None:
    node = make_node(host="127.0.0.2").start()

    status = node_status(node.home)

    assert status["data"]["url"] == f"http://127.0.0.2:{node.port}"
    assert status["control"]["url"].startswith("http://127.0.0.2:")


def test_workers_tell_for_themselves_when_the_agent_is_dead(node: Node) -> None:
    node.start()
    node.kill()

    status = node_status(node.home)

    assert status["agent"] is None
    assert [worker["ready"] for worker in status["workers"]] == [True]
    for pid in worker_pids(node.home):
        os.kill(pid, signal.SIGKILL)
    until(lambda: node.pids("--worker") == [], "the worker to die")
    assert [worker["ready"] for worker in node_status(node.home)["workers"]] == [False]


def test_why_an_endpoint_failed_is_shown(node: Node) -> None:
    good, broken = node.plane.bundle("good"), node.plane.bundle("broken")
    node.start()
    node.plane.publish(table("e", 1, good))
    until(lambda: node.has("e", 1), "the first version")
    node.plane.publish(table("e", 2, broken, "m:2"))
    until(lambda: node_status(node.home)["endpoints"][0]["state"] == "failed", "the failure")
    assert node_status(node.home)["endpoints"][0]["reason"] == "row 0 differs"


def test_as_a_command_it_prints_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headgate.agent.status", "--home", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(answer.stdout)["home"] == str(tmp_path)
