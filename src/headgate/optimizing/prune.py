"""Fewer trees: the first ones of every ensemble in the graph, their weights scaled where the ensemble is a mean."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from headgate.errors import ModelError

ENSEMBLES = {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}
# attributes with one entry per node of a tree, or per leaf's weight
PER_LEAF = {"class": ("class_treeids", "class_nodeids", "class_ids", "class_weights"),
            "target": ("target_treeids", "target_nodeids", "target_ids", "target_weights")}  # fmt: skip
WIDE = "_as_tensor"


def trees_in(content: bytes) -> int:
    """Trees of the largest ensemble in the graph; 0 without one."""
    import onnx

    model = onnx.load_from_string(content)
    return max((_count(_attributes(node)) for node in _ensembles(model)), default=0)


def keep_trees(content: bytes, share: float, *, rescale: bool) -> bytes:
    """The graph with the first trees of every ensemble, that share of them and at least one of each.

    `rescale` multiplies the weights by what was taken away: a forest's answer is a mean, a boosted model's a sum.
    Raises `ModelError` without an ensemble of several trees.
    """
    import onnx

    model = onnx.load_from_string(content)
    ensembles = [node for node in _ensembles(model) if _count(_attributes(node)) > 1]
    if not ensembles:
        raise ModelError("it has no ensemble of trees")
    for node in ensembles:
        _thin(node, share, rescale)
    return bytes(model.SerializeToString(deterministic=True))


def adds_up(content: bytes) -> bool:
    """Whether the trees' answers are certainly summed on top of something: boosted, so that none is scaled."""
    import onnx

    found = [_attributes(node) for node in _ensembles(onnx.load_from_string(content))]
    return any(
        each.get("post_transform", b"NONE") != b"NONE"
        or np.any(each.get("base_values", each.get(f"base_values{WIDE}", 0)))
        for each in found
    )


def _ensembles(model: Any) -> list[Any]:
    return [node for node in model.graph.node if node.op_type in ENSEMBLES]


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper, numpy_helper

    values = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        wide = attribute.name.endswith(WIDE)
        values[attribute.name] = numpy_helper.to_array(value) if wide else value
    return values


def _count(attributes: dict[str, Any]) -> int:
    return len(set(attributes["nodes_treeids"]))


def _thin(node: Any, share: float, rescale: bool) -> None:
    values = _attributes(node)
    trees = list(dict.fromkeys(values["nodes_treeids"]))
    kept = set(trees[: max(1, round(len(trees) * share))])
    scale = len(trees) / len(kept) if rescale else 1.0
    kind = "class" if "class_treeids" in values else "target"
    places = {"nodes_": _places(values["nodes_treeids"], kept), f"{kind}_": _places(values[f"{kind}_treeids"], kept)}
    leaves = {name for plain in PER_LEAF[kind] for name in (plain, plain + WIDE)}
    del node.attribute[:]
    for name, value in values.items():
        if name.startswith("nodes_"):
            value = _chosen(value, places["nodes_"])
        elif name in leaves:
            value = _chosen(value, places[f"{kind}_"])
            if name.removesuffix(WIDE).endswith("_weights"):
                value = _scaled(value, scale)
        node.attribute.append(_written(name, value))


def _places(treeids: Sequence[int], kept: set[int]) -> list[int]:
    return [place for place, tree in enumerate(treeids) if tree in kept]


def _chosen(value: Any, places: list[int]) -> Any:
    return value[places] if isinstance(value, np.ndarray) else [value[place] for place in places]


def _scaled(value: Any, scale: float) -> Any:
    return value * scale if isinstance(value, np.ndarray) else [each * scale for each in value]


def _written(name: str, value: Any) -> Any:
    from onnx import helper, numpy_helper

    if isinstance(value, np.ndarray):
        return helper.make_attribute(name, numpy_helper.from_array(value, name.removesuffix(WIDE)))
    return helper.make_attribute(name, value)
