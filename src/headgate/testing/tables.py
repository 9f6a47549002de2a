"""Bundles with every kind of input and output, for what must hold for all of them: tiny ONNX graphs.

Needs the `onnx` package (extra `convert`) to write them; the golden answers are those of onnxruntime.
"""

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest
from headgate.records import Column, Signature, Task
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.onnx import plan_inputs
from headgate.runtimes.onnx_session import open_session
from headgate.testing.bundles import MODEL_FILE, BuiltBundle, write_bundle

# the text of cities that the mixed model knows
CITIES = ("Bern", "Zürich", "None")


@dataclass(frozen=True)
class Table:
    """A model on some kind of table, and rows that it is asked for."""

    name: str
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    graph: Callable[[], Any]  # of ONNX
    rows: tuple[dict[str, Any], ...]
    task: Task = "regression"
    classes: tuple[str, ...] = ()


def build_table(cache: Path, table: Table) -> BuiltBundle:
    """Write the model's bundle to `cache/<digest>/`, as a node keeps it."""
    from onnx import helper

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    content = bytes(helper.make_model(table.graph(), opset_imports=opsets, ir_version=9).SerializeToString())
    signature = Signature(inputs=table.inputs, outputs=table.outputs)
    manifest = Manifest(
        name=table.name,
        framework="onnx",
        task=table.task,
        classes=table.classes,
        signature=signature,
        forms={"onnx": Form(runtime="onnx", path=MODEL_FILE)},
        serves="onnx",
        environment=Environment(python=platform.python_version().rpartition(".")[0]),
        files={},
    )
    golden = json.dumps(_golden(table, signature, content)).encode()
    return write_bundle(cache, manifest, {MODEL_FILE: content, GOLDEN: golden})


def _golden(table: Table, signature: Signature, content: bytes) -> dict[str, Any]:
    columns = {column.name: [row[column.name] for row in table.rows] for column in table.inputs}
    session = open_session(content)
    fed = plan_inputs(session.get_inputs(), signature.features)(batch_from_columns(signature, columns))
    named = [output.name for output in session.get_outputs()]
    outputs = {name: array.tolist() for name, array in zip(named, session.run(named, fed), strict=True)}
    if table.classes:
        places = [max(range(len(row)), key=row.__getitem__) for row in outputs["probabilities"]]
        outputs["predictions"] = [table.classes[place] for place in places]
    return {
        "format": 1,
        "inputs": {"columns": columns},
        "outputs": outputs,
        "tolerance": {"absolute": 1e-6, "relative": 1e-5},
    }


def _graph(nodes: Sequence[Any], inputs: dict[str, tuple[str, list[Any]]], outputs: dict[str, list[Any]]) -> Any:
    from onnx import TensorProto, helper

    kinds = {"double": TensorProto.DOUBLE, "float": TensorProto.FLOAT, "string": TensorProto.STRING}
    given = [helper.make_tensor_value_info(name, kinds[kind], shape) for name, (kind, shape) in inputs.items()]
    made = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape) for name, shape in outputs.items()]
    return helper.make_graph(nodes, "table", given, made, [])


def _codes(text: str, into: str) -> list[Any]:
    from onnx import TensorProto, helper

    values = [float(place + 1) for place in range(len(CITIES))]
    encoder = helper.make_node(
        "LabelEncoder", [text], [f"{into}_float"], domain="ai.onnx.ml", keys_strings=CITIES, values_floats=values
    )
    return [encoder, helper.make_node("Cast", [f"{into}_float"], [into], to=TensorProto.DOUBLE)]


def _mixed() -> Any:
    from onnx import helper

    nodes = [
        *_codes("city", "code"),
        helper.make_node("IsNaN", ["count"], ["missing"]),
        helper.make_node("Where", ["missing", "code", "count"], ["filled"]),
        helper.make_node("Add", ["amount", "filled"], ["low"]),
        helper.make_node("Mul", ["code", "filled"], ["mid"]),
        helper.make_node("Neg", ["low"], ["high"]),
        helper.make_node("Concat", ["low", "mid", "high"], ["scores"], axis=1),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    column: list[Any] = ["rows", 1]
    inputs = {"amount": ("double", column), "city": ("string", column), "count": ("double", column)}
    return _graph(nodes, inputs, {"probabilities": ["rows", 3]})


def _image() -> Any:
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("ReduceMean", ["wide"], ["predictions"], axes=[1, 2], keepdims=0),
    ]
    return _graph(nodes, {"image": ("float", ["rows", 2, 3])}, {"predictions": ["rows"]})


def _text() -> Any:
    from onnx import helper

    nodes = [*_codes("city", "code"), helper.make_node("Abs", ["code"], ["predictions"])]
    return _graph(nodes, {"city": ("string", ["rows"])}, {"predictions": ["rows"]})


def _several() -> Any:
    from onnx import helper

    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Sub", ["a", "b"], ["difference"]),
        helper.make_node("Concat", ["sum", "difference"], ["predictions"], axis=1),
    ]
    inputs = {name: ("double", ["rows", 1]) for name in "ab"}
    return _graph(nodes, inputs, {"predictions": ["rows", 2]})


VALUE = Column(name="predictions", dtype="float64")
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "mixed",
            (
                Column(name="amount", dtype="float64"),
                Column(name="city", dtype="string", nullable=True),
                Column(name="count", dtype="int64", nullable=True),
            ),
            (Column(name="predictions", dtype="string"), Column(name="probabilities", dtype="float64", shape=(3,))),
            _mixed,
            (
                {"amount": 0.5, "city": "Bern", "count": 2},
                {"amount": -4.0, "city": "Zürich", "count": None},
                {"amount": 0.25, "city": None, "count": 3},
            ),
            "classification",
            ("low", "mid", "high"),
        ),
        Table(
            "image",
            (Column(name="image", dtype="float32", shape=(2, 3)),),
            (VALUE,),
            _image,
            ({"image": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]}, {"image": [[0.0, 0.0, 0.0], [-1.0, 0.5, 0.25]]}),
        ),
        Table(
            "text",
            (Column(name="city", dtype="string"),),
            (VALUE,),
            _text,
            ({"city": "Zürich"}, {"city": "Bern"}),
        ),
        Table(
            "several",
            (Column(name="a", dtype="float64"), Column(name="b", dtype="float64")),
            (Column(name="predictions", dtype="float64", shape=(2,)),),
            _several,
            ({"a": 1.5, "b": 2.0}, {"a": -1.0, "b": 0.25}),
        ),
    )
}
