"""What the agent counts is seen in the metrics of the node, also when the agent is dead."""

import os
import signal
from collections.abc import Callable

from headgate.metering.series_file import Labels
from headgate.serving.crash_counts import crashed
from headgate.serving.metrics import totals
from headgate.testing.node.node import Node, host_pids, until, worker_pids
from headgate.testing.node.plane import table

MakeNode = Callable[..., Node]
FRAUD: Labels = (("version", "m:1"),)


def read(node: Node, name: str, labels: Labels = ()) -> float:
    return totals(node.home.run / "metrics").get((name, labels), [0.0])[0]


def test_starts_and_crashes_are_counted_over_the_agents_life_and_after_it(make_node: MakeNode) -> None:
    node = make_node(workers=1).start()
    digest = node.plane.bundle("good")
    found = (("version", "m:1"), ("digest", digest[:12]))
    crashes = {
        ("headgate_crashes_total", (*found, ("process", process))): [count]
        for process, count in (("worker", 0.0), ("host", 1.0))
    }
    node.plane.publish(table("e", 1, digest, "m:1", placement="host"))
    until(lambda: node.has("e", 1), "the first version")
    until(lambda: read(node, "headgate_hosts", FRAUD) == 1, "the host in the metrics")
    assert read(node, "headgate_host_starts_total", FRAUD) == 1
    os.kill(host_pids(node.home, digest)[0], signal.SIGKILL)
    until(lambda: read(node, "headgate_host_starts_total", FRAUD) == 2, "the host's replacement")
    until(lambda: crashed(node.home) == crashes, "the host's crash in the metrics")
    os.kill(worker_pids(node.home)[0], signal.SIGKILL)
    until(lambda: read(node, "headgate_worker_starts_total") == 2, "the worker's replacement")
    assert read(node, "headgate_worker_crashes_total") == 1
    assert read(node, "headgate_agent_up") == 1

    node.kill()

    assert read(node, "headgate_agent_up") == 0
    assert read(node, "headgate_hosts", FRAUD) == 0, "nobody knows"
    assert read(node, "headgate_worker_starts_total") == 2
    node.start()
    until(lambda: read(node, "headgate_worker_starts_total") == 3, "the next agent's worker")
    assert read(node, "headgate_agent_up") == 1
    assert crashed(node.home) == crashes
