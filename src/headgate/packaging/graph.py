"""What the converter gets wrong about trees, made right; the graph's ends named. Runs in the converter's process.

skl2onnx 1.20 writes version 1 of the tree operators, whose thresholds and weights are float32, and tells the next
operator that they answer doubles, which they never do. Version 3 holds doubles (`*_as_tensor`), so that
(float)x <= threshold can be told exactly.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

TREES = {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}
WIDE = ("nodes_values", "nodes_hitrates", "class_weights", "target_weights", "base_values")
ML_VERSION = 3
NARROW = "_narrow"  # ends the name of a tree ensemble's answer before it is cast
# A tie is class 0 to scikit-learn; 100 × 0.01 is over 1. Far below any vote, far above the error of the sum.
TIE = 1.0 - 1e-12


def widen_trees() -> None:
    """Have skl2onnx write tree ensembles over doubles in double precision, missing values included."""
    from skl2onnx.common import _registration, tree_ensemble
    from skl2onnx.common._container import ModelComponentContainer

    for registered in _registration._converter_pool.values():
        if _writes_trees(registered._fct):
            registered._fct = functools.partial(registered._fct, op_version=ML_VERSION)
    ModelComponentContainer.add_node = _widened(ModelComponentContainer.add_node)
    # the converter's own search for it never ends on an infinite threshold (present against missing)
    tree_ensemble.sklearn_threshold = lambda threshold, dtype, mode: largest_below(float(threshold), np.dtype(dtype))
    _follow_missing()


def largest_below(threshold: float, dtype: np.dtype[Any]) -> float:
    """The largest w of that dtype with: (float32)x <= threshold exactly when x <= w, for every x of that dtype."""
    if not np.isfinite(threshold):
        return threshold
    with np.errstate(over="ignore"):
        single = np.float32(threshold)
        # as Python floats: NumPy would round the threshold to compare it with a float32
        if float(single) > threshold:
            single = np.nextafter(single, np.float32(-np.inf))
        above = np.nextafter(single, np.float32(np.inf))
    if dtype == np.float32 or not np.isfinite(above):
        return float(single)
    middle = (float(single) + float(above)) / 2
    return middle if np.float32(middle) == single else float(np.nextafter(middle, -np.inf))


def _writes_trees(convert: Callable[..., Any]) -> bool:
    parameters = inspect.signature(convert).parameters
    return "op_version" in parameters and "Tree" in str(getattr(parameters.get("op_type"), "default", ""))


def _widened(add_node: Callable[..., None]) -> Callable[..., None]:
    """`add_node` that writes a tree operator over doubles as version 3, followed by a cast to the double promised."""

    @functools.wraps(add_node)
    def add(container: Any, op_type: str, inputs: Any, outputs: Any, **given: Any) -> None:
        values = given.get("nodes_values")
        if op_type not in TREES or not isinstance(values, np.ndarray) or values.dtype != np.float64:
            if op_type in TREES:
                given["op_version"] = 1
            add_node(container, op_type, inputs, outputs, **given)
            return
        from onnx import TensorProto

        outputs = [outputs] if isinstance(outputs, str) else list(outputs)
        narrow = f"{outputs[-1]}{NARROW}"
        wide = _wide_attributes(op_type, given)
        add_node(container, op_type, inputs, [*outputs[:-1], narrow], **wide | {"op_version": ML_VERSION})
        add_node(container, "Cast", [narrow], [outputs[-1]], name=f"{narrow}_cast", to=TensorProto.DOUBLE)

    return add


def _wide_attributes(op_type: str, given: dict[str, Any]) -> dict[str, Any]:
    from onnx import numpy_helper

    attributes = {name: value for name, value in given.items() if name not in WIDE}
    for name in WIDE:
        if name in given and name != "nodes_hitrates":
            values = np.asarray(given[name], dtype=np.float64).ravel()
            if name == "class_weights" and _votes(given):
                values = values * TIE
            attributes[f"{name}_as_tensor"] = numpy_helper.from_array(values, name)
    return attributes


def _votes(given: dict[str, Any]) -> bool:
    """Whether two classes are decided by one sum of probabilities against a half."""
    return given.get("post_transform") == "NONE" and len(set(given["class_ids"])) == 1 and "base_values" not in given


def _follow_missing() -> None:
    """The converter forgets where a tree sends missing values."""
    from skl2onnx.common import tree_ensemble

    name_of_plain = "add_tree_to_attribute_pairs"
    plain = getattr(tree_ensemble, name_of_plain)

    @functools.wraps(plain)
    def add_tree(attributes: dict[str, Any], classifies: bool, tree: Any, *rest: Any, **given: Any) -> None:
        start = len(attributes["nodes_treeids"])
        plain(attributes, classifies, tree, *rest, **given)
        left = getattr(tree, "missing_go_to_left", None)
        if left is not None:
            attributes["nodes_missing_value_tracks_true"][start:] = [int(goes) for goes in left]

    for name, module in list(sys.modules.items()):
        if name.startswith("skl2onnx.") and getattr(module, name_of_plain, None) is plain:
            setattr(module, name_of_plain, add_tree)


def finish(model: Any, names: Sequence[str], *, split: Sequence[str]) -> Any:
    """Name the graph's first outputs, drop the others, and put one matrix before inputs named `split`."""
    graph = model.graph
    kept = [output.name for output in graph.output][: len(names)]
    del graph.output[len(names) :]
    for old, new in zip(kept, names, strict=True):
        _shorten(graph, old)
        _rename(graph, old, new)
    if split:
        _join_inputs(graph, split)
    _drop_unused(graph)
    _lower_anywhere(graph)
    for place in range(len(model.opset_import) - 1, -1, -1):
        if model.opset_import[place].domain in [other.domain for other in model.opset_import[:place]]:
            del model.opset_import[place]
    _require_ml(model)
    return model


def _lower_anywhere(graph: Any) -> None:
    """Letters are lowered by the locale that every Linux has; onnxruntime's own choice is missing in slim images."""
    from onnx import helper

    for node in graph.node:
        if node.op_type == "StringNormalizer" and all(given.name != "locale" for given in node.attribute):
            node.attribute.append(helper.make_attribute("locale", "C.UTF-8"))


def _shorten(graph: Any, output: str) -> None:
    """Take the cast from a tree ensemble's answer at the end: what onnxruntime answers is float there anyway."""
    producers = {name: node for node in graph.node for name in node.output}
    copies, inner = [], output
    while inner in producers and producers[inner].op_type in ("Cast", "Identity"):
        copies.append(producers[inner])
        inner = copies[-1].input[0]
    if not inner.endswith(NARROW) or sum(inner in node.input for node in graph.node) > 1:
        return
    for node in copies:
        graph.node.remove(node)
    source = producers[inner]
    source.output[list(source.output).index(inner)] = output
    _declare_float(graph, output)


def _declare_float(graph: Any, output: str) -> None:
    from onnx import TensorProto

    for value in graph.output:
        if value.name == output:
            value.type.tensor_type.elem_type = TensorProto.FLOAT


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for ends in (node.input, node.output):
            for place, name in enumerate(ends):
                if name == new and old != new:
                    ends[place] = f"{new}_inner"
                elif name == old:
                    ends[place] = new
    for value in graph.output:
        if value.name == old:
            value.name = new


def _join_inputs(graph: Any, names: Sequence[str]) -> None:
    """One double matrix `features` [rows, k], cut into the k inputs that the graph had."""
    from onnx import TensorProto, helper

    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, len(names)]))
    graph.node.insert(
        0, helper.make_node("Split", ["features"], list(names), axis=1, num_outputs=len(names), name="split_features")
    )


def _drop_unused(graph: Any) -> None:
    """What only led to a dropped output."""
    while True:
        used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        idle = [node for node in graph.node if not used & set(node.output)]
        if not idle:
            return
        for node in idle:
            graph.node.remove(node)


def _require_ml(model: Any) -> None:
    for declared in model.opset_import:
        if declared.domain == "ai.onnx.ml":
            declared.version = max(declared.version, ML_VERSION)
