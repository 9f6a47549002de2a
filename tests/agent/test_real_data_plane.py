"""The agent over the real worker, template and model host: deployments, kills and takeovers under predictions."""

import http.client
import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

import headgate
from headgate.records import EndpointSpec, Limits, Placement, RouteTable, Variant
from headgate.testing.bundles import BuiltBundle, LinearModel, build_bundle, route_table
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, until, worker_pids

MakeNode = Callable[..., Node]
PATH = "/v1/endpoints/fraud/predict"
SLOW_SECONDS = 2.5
SLOW = """
import time
import numpy as np

class Model:
    def predict(self, rows):
        seconds = np.asarray(rows, dtype=float)[:, 0]
        time.sleep(seconds.sum())
        return np.full(len(seconds), float(%d))

model = Model()
"""
BODY = b'{"rows": [{"age": 1.0, "income": 2.0, "balance": 3.0}]}'


@pytest.fixture
def real_node(make_node: MakeNode) -> Node:
    # a busy machine imports slowly; nothing here waits for these
    return make_node(fakes="control", workers=2, hang_seconds=10.0, load_seconds=60.0, acknowledge_seconds=10.0)


def offered(node: Node, bias: float = 0.0) -> BuiltBundle:
    """A real bundle that the control plane hands out."""
    built = build_bundle(node.plane.folder / "made", LinearModel(bias=bias))
    node.plane.offer(built.folder)
    return built


def placed(bundle: BuiltBundle, generation: int, placement: Placement) -> RouteTable:
    variant = Variant(version=f"fraud:{generation}", digest=bundle.digest, form="onnx", placement=placement)
    return route_table(bundle, generation=generation, variants=(variant,))


def slow(node: Node, answer: int) -> BuiltBundle:
    """A bundle that takes as long for each row as the row says."""
    path = node.plane.folder / f"slow{answer}.py"
    path.write_text(SLOW % answer)
    made = headgate.package(path, name="slow", data={"x": [0.0, 0.1]}, task="other", output=node.plane.folder / "made")
    node.plane.offer(made.folder)
    return BuiltBundle(made.folder, made.manifest, made.digest)


def hosted(bundle: BuiltBundle, generation: int) -> RouteTable:
    variant = Variant(version=f"slow:{generation}", digest=bundle.digest, placement="host")
    spec = EndpointSpec(limits=Limits(timeout_ms=60_000))
    return route_table(bundle, "slow", generation=generation, variants=(variant,), spec=spec)


def post(port: int, path: str, body: bytes) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content.get("predictions", content)


@pytest.mark.parametrize("placement", ["inline", "host"])
def test_versions_swap_and_agents_die_without_a_lost_prediction(real_node: Node, placement: Placement) -> None:
    node = real_node
    first, second = offered(node), offered(node, bias=1.0)
    node.start()
    node.plane.publish(placed(first, 1, placement))
    until(lambda: node.has("fraud", 1) and len(node.workers()) == 2, "the first version", 60)
    orphans = worker_pids(node.home)

    with Load(node.port, path=PATH, body=BODY) as load:
        node.plane.publish(placed(second, 2, placement))
        until(lambda: node.has("fraud", 2), "the second version", 60)
        node.kill()
        answered = load.answered
        until(lambda: load.answered > answered + 100, "answers without an agent")
        node.start()
        until(lambda: not set(worker_pids(node.home)) & set(orphans), "the orphans to leave", 60)
        answered = load.answered
        until(lambda: load.answered > answered + 100, "answers of the new workers")

    assert load.failures == []
    assert node.stop() == 0
    assert node.pids() == []


def test_who_waits_for_the_hosts_of_an_older_version_is_answered_by_them(make_node: MakeNode) -> None:
    node = make_node(fakes="control", workers=1, hang_seconds=10.0, load_seconds=60.0, acknowledge_seconds=10.0)
    first, second = slow(node, 1), slow(node, 2)
    node.start()
    node.plane.publish(hosted(first, 1))
    until(lambda: node.has("slow", 1), "the first version", 60)

    # one host answers them: the last waits longer than a host may take to leave
    body = json.dumps({"instances": [[SLOW_SECONDS]]}).encode()
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(post, node.port, "/v1/endpoints/slow/predict", body) for _ in range(4)]
        until(lambda: node.report.workers[0].in_flight == 4, "all to wait", 60)
        node.plane.publish(hosted(second, 2))
        until(lambda: node.has("slow", 2), "the second version", 60)
        assert not any(each.done() for each in asked[3:])
        assert [each.result() for each in asked] == [(200, [1.0])] * 4

    until(lambda: not host_pids(node.home, first.digest), "the hosts of the first version to leave", 60)
    assert post(node.port, "/v1/endpoints/slow/predict", body) == (200, [2.0])


def test_killed_hosts_cost_no_prediction(real_node: Node) -> None:
    node = real_node
    bundle = offered(node)
    node.start()
    node.plane.publish(placed(bundle, 1, "host"))
    until(lambda: node.has("fraud", 1) and len(host_pids(node.home, bundle.digest)) == 2, "two hosts", 60)

    with Load(node.port, path=PATH, body=BODY, clients=4) as load:
        until(lambda: load.answered > 50, "answers")
        for _ in range(2):
            victim = host_pids(node.home, bundle.digest)[0]
            os.kill(victim, signal.SIGKILL)
            until(lambda: len(set(host_pids(node.home, bundle.digest)) - {victim}) == 2, "its successor", 60)  # noqa: B023 (waited for here)

    assert load.failures == []


def test_a_bundle_that_fails_its_golden_requests_takes_no_traffic(real_node: Node) -> None:
    node = real_node
    good = offered(node)
    # NaN where the golden request asks
    broken = build_bundle(node.plane.folder / "made", LinearModel(nan_at=1.5))
    node.plane.offer(broken.folder)
    node.start()
    node.plane.publish(placed(good, 1, "inline"))
    until(lambda: node.has("fraud", 1) and len(node.workers()) == 2, "the first version", 60)

    with Load(node.port, path=PATH, body=BODY, clients=2) as load:
        node.plane.publish(placed(broken, 2, "inline"))
        until(lambda: node.report.failures["fraud"], "the failure", 60)

    assert load.failures == []
    assert node.report.failures["fraud"].version == "fraud:2"
    assert node.has("fraud", 1)
    table = msgspec.json.decode((node.home.routes / "fraud.json").read_bytes(), type=RouteTable)
    assert table.generation == 1
