"""The agent over the real worker, template and model host: deployments, kills and takeovers under predictions."""

import os
import signal
from collections.abc import Callable

import msgspec
import pytest

from headgate.records import Placement, RouteTable, Variant
from headgate.testing.bundles import BuiltBundle, LinearModel, build_bundle, route_table
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, until, worker_pids

MakeNode = Callable[..., Node]
PATH = "/v1/endpoints/fraud/predict"
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
