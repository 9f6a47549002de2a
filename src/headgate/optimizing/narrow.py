"""From double to single precision: half the bytes, and what quantisers start from."""

from typing import Any

import numpy as np

from headgate.errors import ModelError

# they compare in double what was split in double: in single, rows at a split would fall to the other side
EXACT = {"TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
SUFFIX = "_single"


def is_double(content: bytes) -> bool:
    """Whether the graph computes in double precision."""
    import onnx

    graph = onnx.load_from_string(content).graph
    return any(value.data_type == onnx.TensorProto.DOUBLE for value in graph.initializer)


def narrow(content: bytes) -> bytes:
    """The graph with weights and sums in single precision; it takes what it took. Raises `ModelError` for trees."""
    import onnx

    if not is_double(content):
        return content
    model = onnx.load_from_string(content)
    graph = model.graph
    if any(node.op_type in EXACT for node in graph.node):
        raise ModelError("its trees split at doubles")
    _narrow_weights(graph)
    _narrow_nodes(graph)
    _cast_inputs(graph)
    for value in graph.output:
        if value.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    del graph.value_info[:]
    return bytes(model.SerializeToString(deterministic=True))


def _narrow_weights(graph: Any) -> None:
    for value in graph.initializer:
        value.CopyFrom(_single(value))


def _narrow_nodes(graph: Any) -> None:
    """Constants in nodes, and casts to double."""
    import onnx

    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                attribute.t.CopyFrom(_single(attribute.t))
            elif attribute.name == "to" and attribute.i == onnx.TensorProto.DOUBLE:
                attribute.i = onnx.TensorProto.FLOAT


def _single(tensor: Any) -> Any:
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.DOUBLE:
        return tensor
    with np.errstate(over="ignore"):
        return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)


def _cast_inputs(graph: Any) -> None:
    """Inputs stay double, and are cast once."""
    from onnx import TensorProto, helper

    wide = [value.name for value in graph.input if value.type.tensor_type.elem_type == TensorProto.DOUBLE]
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in wide:
                node.input[place] = name + SUFFIX
    for name in wide:
        graph.node.insert(
            0, helper.make_node("Cast", [name], [name + SUFFIX], to=TensorProto.FLOAT, name=name + SUFFIX)
        )
