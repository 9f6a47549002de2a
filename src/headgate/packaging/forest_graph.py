"""Boosted trees as an ONNX graph. Runs in the converter's process.

What a framework compares decides the graph: XGBoost and CatBoost round a value to float32 first, LightGBM compares
doubles. Levels are looked up in the graph, in the order of the training; a test on levels is a chain of equalities.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headgate.packaging.graph import ML_VERSION
from headgate.runtimes.coding import Levels
from headgate.runtimes.forest import LEAF, Forest, Tree

LINKS = {"sigmoid": "Sigmoid", "softmax": "Softmax", "exp": "Exp"}
ML = "ai.onnx.ml"


@dataclass
class Attributes:
    """The lists of a `TreeEnsembleRegressor`, node by node."""

    trees: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    true: list[int] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    missing_true: list[int] = field(default_factory=list)
    target_trees: list[int] = field(default_factory=list)
    target_nodes: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def add_test(
        self, place: tuple[int, int], mode: str, test: tuple[int, float], ways: tuple[int, int], missing: bool
    ) -> None:
        """A node that compares a feature with a value and leads two ways."""
        self._add(place, mode, test)
        self.true.append(ways[0])
        self.false.append(ways[1])
        self.missing_true.append(int(missing))

    def add_leaf(self, place: tuple[int, int], weights: Sequence[tuple[int, float]]) -> None:
        """A node that adds to some outputs."""
        self._add(place, "LEAF", (0, 0.0))
        self.true.append(0)
        self.false.append(0)
        self.missing_true.append(0)
        for target, weight in weights:
            self.target_trees.append(place[0])
            self.target_nodes.append(place[1])
            self.targets.append(target)
            self.weights.append(weight)

    def _add(self, place: tuple[int, int], mode: str, test: tuple[int, float]) -> None:
        self.trees.append(place[0])
        self.nodes.append(place[1])
        self.modes.append(mode)
        self.features.append(test[0])
        self.values.append(test[1])


def tree_node(forest: Forest, source: str, target: str, *, wide: bool) -> Any:
    """The operator that sums the leaves: `wide` in doubles, otherwise in float32. It answers float32 either way."""
    from onnx import helper, numpy_helper

    lists = Attributes()
    for place, tree in enumerate(forest.trees):
        _add_tree(lists, place, tree, "BRANCH_LT" if forest.strict else "BRANCH_LEQ")
    numbers = {"nodes_values": lists.values, "target_weights": lists.weights, "base_values": list(forest.base)}
    written: dict[str, Any] = numbers
    if wide:
        written = {
            f"{name}_as_tensor": numpy_helper.from_array(np.array(values, dtype=np.float64), name)
            for name, values in numbers.items()
        }
    return helper.make_node(
        "TreeEnsembleRegressor", [source], [target], domain=ML, name=f"{target}_trees", n_targets=forest.outputs,
        aggregate_function="SUM", post_transform="NONE",
        nodes_treeids=lists.trees, nodes_nodeids=lists.nodes, nodes_featureids=lists.features,
        nodes_modes=lists.modes, nodes_truenodeids=lists.true, nodes_falsenodeids=lists.false,
        nodes_missing_value_tracks_true=lists.missing_true,
        target_treeids=lists.target_trees, target_nodeids=lists.target_nodes, target_ids=lists.targets, **written,
    )  # fmt: skip


def link_nodes(forest: Forest, source: str, target: str) -> list[Any]:
    """From the sums [rows, outputs] to what the model answers."""
    from onnx import helper

    given: dict[str, Any] = {"axis": 1} if forest.link == "softmax" else {}
    return [helper.make_node(LINKS.get(forest.link, "Identity"), [source], [target], name=f"{target}_link", **given)]


def _add_tree(lists: Attributes, number: int, tree: Tree, mode: str) -> None:
    inner = tree.inner
    # what training has pruned lies unreached in some files
    reached = {0, *tree.left[inner].tolist(), *tree.right[inner].tolist()}
    extra = len(tree.features)
    for node in sorted(reached):
        feature = int(tree.features[node])
        ways, missing = (int(tree.left[node]), int(tree.right[node])), bool(tree.missing_left[node])
        if feature == LEAF:
            lists.add_leaf((number, node), _leaf(tree, node))
        elif node in tree.codes:
            extra = _add_chain(lists, (number, node), extra, feature, (tree.codes[node], ways, missing))
        else:
            lists.add_test((number, node), mode, (feature, float(tree.thresholds[node])), ways, missing)


def _leaf(tree: Tree, node: int) -> list[tuple[int, float]]:
    value = tree.values[node]
    return [(tree.output, float(value))] if tree.values.ndim == 1 else list(enumerate(value.tolist()))


def _add_chain(
    lists: Attributes, place: tuple[int, int], free: int, feature: int, test: tuple[Any, tuple[int, int], bool]
) -> int:
    """One equality after the other, all with the same way out; returns the next free number of a node."""
    codes, (left, right), missing = test
    number, node = place
    wanted = [float(code) for code in codes] or [-1.0]
    for count, code in enumerate(wanted, start=1):
        following = right if count == len(wanted) else free
        # only the first is asked about a missing value when it goes left
        lists.add_test((number, node), "BRANCH_EQ", (feature, code), (left, following), missing)
        if count < len(wanted):
            node, free = free, free + 1
    return free


@dataclass(frozen=True)
class Shape:
    """How a graph is wanted."""

    output: str  # name of its one output
    wide: bool  # whether leaves are summed in doubles
    missing: str | None = None  # a number that stands for a missing value, beside NaN


def write_forest(forest: Forest, names: Sequence[str], levels: Levels, shape: Shape) -> Any:
    """The whole model: a matrix `features`, or an input by column where there are levels; one output."""
    from onnx import TensorProto, helper

    wide, output = shape.wide, shape.output
    kind = TensorProto.DOUBLE if wide and not forest.single else TensorProto.FLOAT
    nodes: list[Any] = []
    if all(known is None for known in levels):
        inputs = [helper.make_tensor_value_info("features", kind, [None, forest.width])]
        source = "features"
    else:
        inputs = [_column_input(name, known, kind) for name, known in zip(names, levels, strict=True)]
        source = _join_columns(nodes, names, levels, kind)
    if shape.missing is not None:
        source = _without_missing(nodes, source, float(shape.missing), kind)
    if wide and forest.single:
        nodes.append(helper.make_node("Cast", [source], ["wide"], name="widen", to=TensorProto.DOUBLE))
        source = "wide"
    nodes.append(tree_node(forest, source, "sums", wide=wide))
    nodes += link_nodes(forest, "sums", output)
    answered = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, forest.outputs])
    graph = helper.make_graph(nodes, "model", inputs, [answered])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(ML, ML_VERSION)]
    return helper.make_model(graph, opset_imports=opsets, producer_name="headgate", ir_version=10)


def _without_missing(nodes: list[Any], source: str, missing: float, kind: int) -> str:
    """The matrix with NaN where it holds the number that stands for it."""
    from onnx import helper

    for name, value in (("missing", missing), ("nothing", float("nan"))):
        tensor = helper.make_tensor(name, kind, [1], [value])
        nodes.append(helper.make_node("Constant", [], [name], name=name, value=tensor))
    nodes.append(helper.make_node("Equal", [source, "missing"], ["is_missing"], name="find_missing"))
    nodes.append(helper.make_node("Where", ["is_missing", "nothing", source], ["filled"], name="fill_missing"))
    return "filled"


def _column_input(name: str, known: Sequence[Any] | None, kind: int) -> Any:
    from onnx import TensorProto, helper

    text = known is not None and isinstance(known[0], str)
    # whole numbers as levels come as floats, which hold a missing one too
    plain = kind if known is None else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, TensorProto.STRING if text else plain, [None, 1])


def _join_columns(nodes: list[Any], names: Sequence[str], levels: Levels, kind: int) -> str:
    from onnx import TensorProto, helper

    parts = []
    for place, (name, known) in enumerate(zip(names, levels, strict=True)):
        part = name
        if known is not None:
            part = f"code_{place}"
            nodes.append(_look_up(name, part, known))
            if kind == TensorProto.DOUBLE:
                nodes.append(helper.make_node("Cast", [part], [f"{part}_wide"], name=f"{part}_cast", to=kind))
                part = f"{part}_wide"
        parts.append(part)
    nodes.append(helper.make_node("Concat", parts, ["features"], name="join", axis=1))
    return "features"


def _look_up(source: str, target: str, known: Sequence[Any]) -> Any:
    """Level → place among the levels, NaN for any other."""
    from onnx import helper

    text = isinstance(known[0], str)
    keys: dict[str, Any] = {"keys_strings": list(known)} if text else {"keys_floats": [float(key) for key in known]}
    return helper.make_node(
        "LabelEncoder", [source], [target], domain=ML, name=f"{target}_look_up",
        values_floats=[float(code) for code in range(len(known))], default_float=float("nan"), **keys,
    )  # fmt: skip


def fits_graph(names: Sequence[str], levels: Levels, forest: Forest) -> str:
    """Why the model cannot be written as a graph, empty where it can."""
    if forest.refused:
        return forest.refused
    for name, known in zip(names, levels, strict=True):
        if known is not None and not _is_plain(known):
            return f"the levels of {name} are neither all text nor all whole numbers"
    return ""


def _is_plain(known: Sequence[Any]) -> bool:
    kinds = {type(level) for level in known}
    return kinds == {str} or kinds == {int} and max(map(abs, known)) < 2**24
