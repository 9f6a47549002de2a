"""Crafted graphs and trees (SEC-12, SEC-13) end a process of their own, if any: workers answer others meanwhile."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.tree import DecisionTreeRegressor, _tree
from tests.agent.conftest import MakeNode

from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest
from headgate.records import Column, RouteTable, Signature, Variant
from headgate.testing.bundles import BuiltBundle, build_bundle, route_table, write_bundle
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, until, worker_pids

NAMES = ("a", "b")
FAR = 2_000_000_000
LOAD_SECONDS = 12.0


def graph(*nodes: Any, constants: dict[str, Any] | None = None) -> bytes:
    """A model of two numbers that answers `predictions`."""
    made = helper.make_graph(
        list(nodes),
        "crafted",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(NAMES)])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, [None, 1])],
        [onnx.numpy_helper.from_array(np.array(value), name) for name, value in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString())


def trees(**changes: tuple[int, ...]) -> bytes:
    """A tree of one split as onnxruntime takes it, some of its numbers changed."""
    numbers: dict[str, tuple[int, ...]] = {
        "nodes_featureids": (0, 0, 0), "nodes_truenodeids": (1, 0, 0), "nodes_falsenodeids": (2, 0, 0),
        "nodes_nodeids": (0, 1, 2), "nodes_treeids": (0, 0, 0), "target_ids": (0, 0), "target_nodeids": (1, 2),
        "target_treeids": (0, 0), **changes,
    }  # fmt: skip
    modes = ["BRANCH_LEQ", "LEAF", "LEAF"]
    return ensemble(numbers, nodes_modes=modes, nodes_values=[0.5, 0.0, 0.0], target_weights=[1.0, 2.0])


def chain(length: int, back: bool = False) -> bytes:
    """A tree that is one long branch; its end leads `back` to its root."""
    inner = range(length)
    leaf = length + 1
    numbers: dict[str, tuple[int, ...]] = {
        "nodes_featureids": (0,) * (length + 2), "nodes_truenodeids": (*(each + 1 for each in inner), 0, 0),
        "nodes_falsenodeids": (*(leaf for _ in inner), leaf if back else 0, 0),
        "nodes_nodeids": tuple(range(length + 2)), "nodes_treeids": (0,) * (length + 2),
        "target_ids": (0,), "target_nodeids": (leaf,), "target_treeids": (0,),
    }  # fmt: skip
    modes = ["BRANCH_LEQ"] * length + ["BRANCH_LEQ" if back else "LEAF", "LEAF"]
    return ensemble(numbers, nodes_modes=modes, nodes_values=[0.5] * (length + 2), target_weights=[1.0])


def ensemble(numbers: Mapping[str, Sequence[int]], **attributes: Any) -> bytes:
    given: dict[str, Any] = {name: list(values) for name, values in numbers.items()} | attributes
    inputs, outputs = ["features"], ["predictions"]
    return graph(helper.make_node("TreeEnsembleRegressor", inputs, outputs, domain="ai.onnx.ml", n_targets=1, **given))


def endless() -> bytes:
    """A loop that its own condition never ends."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["held"], ["kept"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.FLOAT, [None, None]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("kept", TensorProto.FLOAT, [None, None]),
        ],
    )
    loop = helper.make_node("Loop", ["", "always", "features"], ["turned"], body=body)
    return graph(loop, helper.make_node("Identity", ["turned"], ["predictions"]), constants={"always": True})


def enormous() -> bytes:
    """A tensor of four terabytes."""
    nodes = (
        helper.make_node("ConstantOfShape", ["shape"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["sum"]),
        helper.make_node("Add", ["features", "sum"], ["predictions"]),
    )
    return graph(*nodes, constants={"shape": np.array([1 << 40], np.int64)})


def estimator(change: Callable[[Any], None]) -> bytes:
    """A tree of scikit-learn whose nodes were changed after it was grown."""
    rows = np.random.RandomState(0).rand(50, 2)
    model = DecisionTreeRegressor(max_depth=3).fit(rows, rows[:, 0])
    kind, arguments, state = model.tree_.__reduce__()
    assert kind is _tree.Tree
    nodes = state["nodes"].copy()
    change(nodes)
    grown = kind(*arguments)
    grown.__setstate__({**state, "nodes": nodes})
    model.tree_ = grown
    path = Path(str(id(model)))
    try:
        joblib.dump(model, path)
        return path.read_bytes()
    finally:
        path.unlink()


def to(field: str, value: int) -> Callable[[Any], None]:
    def change(nodes: Any) -> None:
        nodes[field][0] = value

    return change


CRAFTED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a child far beyond the end": ("onnx", lambda: trees(nodes_truenodeids=(FAR, 0, 0))),
    "a child that is its own parent": ("onnx", lambda: trees(nodes_truenodeids=(0, 0, 0))),
    "a branch that leads back to its root": ("onnx", lambda: chain(3, back=True)),
    "a branch of very many nodes": ("onnx", lambda: chain(200_000)),
    "a negative child": ("onnx", lambda: trees(nodes_falsenodeids=(-1, 0, 0))),
    "a feature that there is not": ("onnx", lambda: trees(nodes_featureids=(FAR, 0, 0))),
    "a leaf that there is not": ("onnx", lambda: trees(target_nodeids=(1, FAR))),
    "a target that there is not": ("onnx", lambda: trees(target_ids=(0, FAR))),
    "a loop without an end": ("onnx", endless),
    "four terabytes": ("onnx", enormous),
    "scikit-learn: a child far beyond the end": ("sklearn", lambda: estimator(to("left_child", FAR))),
    "scikit-learn: a child that is its own parent": ("sklearn", lambda: estimator(to("right_child", 0))),
    "scikit-learn: a feature that there is not": ("sklearn", lambda: estimator(to("feature", 77))),
}


def crafted(node: Node, name: str) -> BuiltBundle:
    runtime, content = CRAFTED[name]
    file = "model.onnx" if runtime == "onnx" else "model.joblib"
    golden = {
        "format": 1,
        "inputs": {"columns": dict.fromkeys(NAMES, [0.25, 0.75])},
        "outputs": {"predictions": [1.0, 2.0]},
        "tolerance": {"absolute": 1e-6, "relative": 1e-6},
    }
    manifest = Manifest(
        name="crafted",
        framework=runtime,
        task="regression",
        signature=Signature(
            inputs=tuple(Column(name=each, dtype="float64") for each in NAMES),
            outputs=(Column(name="predictions", dtype="float64"),),
        ),
        forms={"form": Form(runtime=runtime, path=file)},
        serves="form",
        environment=Environment(python="3.11"),
        files={},
    )
    built = write_bundle(node.plane.folder / "made", manifest, {file: content(), GOLDEN: json.dumps(golden).encode()})
    node.plane.offer(built.folder)
    return built


def table(bundle: BuiltBundle, endpoint: str, generation: int) -> RouteTable:
    variant = Variant(version="crafted:1", digest=bundle.digest, form=bundle.manifest.serves, placement="inline")
    return route_table(bundle, endpoint, generation, variants=(variant,))


def failure_of(node: Node, endpoint: str) -> Any:
    return node.report.failures.get(endpoint)


def beyond(load: Load, answered: int) -> bool:
    return load.answered > answered


@pytest.mark.heavy
@pytest.mark.timeout(400)
def test_each_is_refused_and_nobody_else_notices(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    node = make_node(fakes="control", workers=1, hang_seconds=20.0, load_seconds=LOAD_SECONDS)
    good = build_bundle(node.plane.folder / "made")
    node.plane.offer(good.folder)
    node.start()
    node.plane.publish(route_table(good))
    until(lambda: node.has("fraud", 1), "the good version", 60)
    workers, reasons = worker_pids(node.home), {}
    body = b'{"rows": [{"age": 1.0, "income": 2.0, "balance": 3.0}]}'
    with Load(node.port, path="/v1/endpoints/fraud/predict", body=body) as load:
        for place, name in enumerate(CRAFTED):
            endpoint = f"e{place}"
            node.plane.publish(table(crafted(node, name), endpoint, 1))
            failure = until(partial(failure_of, node, endpoint), name, 90)
            reasons[name] = failure.reason
            until(partial(beyond, load, load.answered + 20), f"answers after {name}")
    assert load.failures == []
    assert worker_pids(node.home) == workers
    assert all(reasons.values())
    assert not any(node.has(f"e{place}", 1) for place in range(len(CRAFTED)))
    print("\n".join(f"{name}: {reason}" for name, reason in reasons.items()))  # noqa: T201  # shown when it fails
