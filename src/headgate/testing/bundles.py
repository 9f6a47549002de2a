"""Small bundles and node homes for tests: a linear model as ONNX, its manifest, golden requests, a route table.

Needs the `onnx` package (extra `convert`) to write the graph; nothing here trains or converts anything.
"""

import hashlib
import json
import math
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from headgate.bundle.manifest import (
    GOLDEN,
    MANIFEST,
    Environment,
    FileEntry,
    Form,
    Manifest,
    canonical_bytes,
    digest_of,
)
from headgate.home import Home, write_atomically
from headgate.records import Column, RouteTable, Scalar, Signature, Task, Variant

MODEL_FILE = "model.onnx"


@dataclass(frozen=True)
class LinearModel:
    """score = weights · row + bias. A classifier answers sigmoid(score) as the probability of class 1.

    `fails_at` makes the runtime raise, `nan_at` makes it answer NaN, when the first feature has that value.
    """

    name: str = "fraud"
    features: tuple[str, ...] = ("age", "income", "balance")
    weights: tuple[float, ...] = (0.5, -0.25, 0.125)
    bias: float = 0.0
    task: Task = "classification"
    nullable: bool = False
    fails_at: float | None = None
    nan_at: float | None = None
    # columns that clients send and the model never sees
    others: tuple[Column, ...] = field(default=())

    @property
    def signature(self) -> Signature:
        inputs = tuple(
            Column(name=name, dtype="float64", nullable=self.nullable, minimum=-100.0, maximum=100.0, example=1.5)
            for name in self.features
        )
        predictions = Column(name="predictions", dtype="int64" if self.task == "classification" else "float64")
        probabilities = Column(name="probabilities", dtype="float64", shape=(2,))
        outputs = (predictions, probabilities) if self.task == "classification" else (predictions,)
        return Signature(inputs=inputs + self.others, outputs=outputs)

    def score(self, row: dict[str, float]) -> float:
        """What the graph computes for one row."""
        pairs = zip(self.weights, self.features, strict=True)
        return sum(weight * row[name] for weight, name in pairs) + self.bias

    def answer(self, row: dict[str, float]) -> dict[str, Any]:
        """The row's `predictions` and, for a classifier, `probabilities`."""
        score = self.score(row)
        if self.task != "classification":
            return {"predictions": score}
        chance = 1 / (1 + math.exp(-score))
        return {"predictions": int(chance > 0.5), "probabilities": [1 - chance, chance]}


@dataclass(frozen=True)
class BuiltBundle:
    """A bundle's folder with what is in its manifest."""

    folder: Path
    manifest: Manifest
    digest: str


def build_bundle(cache: Path, model: LinearModel | None = None) -> BuiltBundle:
    """Write the bundle of a linear model to `cache/<digest>/`, as a node keeps it."""
    model = model or LinearModel()
    rows: list[dict[str, Scalar]] = [
        dict.fromkeys(model.features, 1.5),
        {name: float(place + 1) for place, name in enumerate(model.features)},
    ]
    files = {MODEL_FILE: linear_graph(model), GOLDEN: json.dumps(golden_requests(model, rows)).encode()}
    manifest = Manifest(
        name=model.name,
        framework="onnx",
        task=model.task,
        classes=(0, 1) if model.task == "classification" else (),
        signature=model.signature,
        forms={"onnx": Form(runtime="onnx", path=MODEL_FILE)},
        serves="onnx",
        environment=Environment(python=platform.python_version().rpartition(".")[0]),
        files={},
    )
    return write_bundle(cache, manifest, files)


def write_bundle(cache: Path, manifest: Manifest, files: dict[str, bytes]) -> BuiltBundle:
    """Name the files in the manifest and write all of it to `cache/<digest of the manifest>/`."""
    entries = {
        name: FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        for name, content in files.items()
    }
    manifest = msgspec.structs.replace(manifest, files=entries)
    digest = digest_of(manifest)
    folder = cache / digest
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in {**files, MANIFEST: canonical_bytes(manifest)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)
    return BuiltBundle(folder, manifest, digest)


def golden_requests(model: LinearModel, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The contents of golden.json for these rows."""
    answers = [model.answer(row) for row in rows]
    columns = {name: [row[name] for row in rows] for name in model.features}
    return {
        "format": 1,
        "inputs": {"columns": columns},
        "outputs": {key: [answer[key] for answer in answers] for key in answers[0]},
        "tolerance": {"absolute": 1e-6, "relative": 1e-5},
    }


def route_table(bundle: BuiltBundle, endpoint: str = "fraud", generation: int = 1, **changes: Any) -> RouteTable:
    """A table in which version 1 of the bundle answers alone, inline; `changes` are fields of the table."""
    variant = Variant(
        version=f"{bundle.manifest.name}:1", digest=bundle.digest, form=bundle.manifest.serves, placement="inline"
    )
    fields: dict[str, Any] = {
        "endpoint": endpoint,
        "epoch": 1,
        "generation": generation,
        "contract": bundle.manifest.signature,
        "task": bundle.manifest.task,
        "classes": bundle.manifest.classes,
        "variants": (variant,),
    }
    return RouteTable(**(fields | changes))


def publish(home: Home, table: RouteTable) -> None:
    """Put a route table where the node's workers find it."""
    home.create()
    write_atomically(home.routes / f"{table.endpoint}.json", msgspec.json.encode(table))


def linear_graph(model: LinearModel) -> bytes:
    """The model as ONNX: `features` [n, k] double → `predictions` [n], `probabilities` [n, 2]."""
    import onnx
    from onnx import TensorProto, helper

    weights = np.array(model.weights, np.float64).reshape(-1, 1)
    constants = {"weights": weights, "bias": np.array([model.bias], np.float64), **_trap_constants(model)}
    nodes = [
        *_trap_nodes(model),
        helper.make_node("MatMul", ["features", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["plain"]),
        helper.make_node("Add", ["plain", "trap"], ["score"]),
        *_output_nodes(model),
    ]
    rows = "rows"
    classifies = model.task == "classification"
    kind = TensorProto.INT64 if classifies else TensorProto.DOUBLE
    outputs = [helper.make_tensor_value_info("predictions", kind, [rows])]
    if classifies:
        outputs.append(helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [rows, 2]))
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [rows, len(model.features)])],
        outputs,
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())


def _trap_constants(model: LinearModel) -> dict[str, np.ndarray[Any, Any]]:
    # an index beyond a table of one makes Gather raise; a table [0, NaN] makes it answer NaN
    never = math.inf
    return {
        "first": np.array([0], np.int64),
        "fails_at": np.array([model.fails_at if model.fails_at is not None else never], np.float64),
        "nan_at": np.array([model.nan_at if model.nan_at is not None else never], np.float64),
        "only_zero": np.array([0.0]),
        "zero_or_nan": np.array([0.0, math.nan]),
        "line": np.array([-1], np.int64),
        "half": np.array([0.5]),
        "one": np.array([1.0]),
    }


def _trap_nodes(model: LinearModel) -> list[Any]:
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Gather", ["features", "first"], ["head"], axis=1)]
    for place, table in (("fails_at", "only_zero"), ("nan_at", "zero_or_nan")):
        nodes += [
            helper.make_node("Equal", ["head", place], [f"{place}_hit"]),
            helper.make_node("Cast", [f"{place}_hit"], [f"{place}_index"], to=TensorProto.INT64),
            helper.make_node("Gather", [table, f"{place}_index"], [f"{place}_term"]),
        ]
    return [*nodes, helper.make_node("Add", ["fails_at_term", "nan_at_term"], ["trap"])]


def _output_nodes(model: LinearModel) -> list[Any]:
    from onnx import TensorProto, helper

    if model.task != "classification":
        return [helper.make_node("Reshape", ["score", "line"], ["predictions"])]
    return [
        helper.make_node("Sigmoid", ["score"], ["chance"]),
        helper.make_node("Sub", ["one", "chance"], ["other"]),
        helper.make_node("Concat", ["other", "chance"], ["probabilities"], axis=1),
        helper.make_node("Greater", ["chance", "half"], ["above"]),
        helper.make_node("Cast", ["above"], ["label"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["label", "line"], ["predictions"]),
    ]
