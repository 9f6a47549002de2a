"""One endpoint for each kind of table and answer, with a model that needs no framework, and rows for it."""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest
from headgate.home import Home
from headgate.records import Column, Signature
from headgate.runtimes.columns import batch_from_columns
from headgate.testing.bundles import publish, route_table, write_bundle
from headgate.testing.runtime import FakeAnswers, FakeModel

Rows = list[Mapping[str, Any]]
IMAGE = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[0.5, 0.0, -1.0], [7.0, 8.0, 9.5]]]


class Kind(NamedTuple):
    """What an endpoint takes and answers."""

    inputs: tuple[Column, ...]
    rows: Rows  # bytes stand in them as such
    answers: FakeAnswers = FakeAnswers()


def _numbers(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, dtype="float64") for name in names)


_MIXED = (
    Column(name="age", dtype="float64", nullable=True),
    Column(name="visits", dtype="int32", nullable=True),
    Column(name="member", dtype="bool"),
    Column(name="city", dtype="string", nullable=True),
    Column(name="since", dtype="datetime", nullable=True),
)
_IMAGE = Column(name="image", dtype="float32", shape=(2, 2, 3))
KINDS = {
    "mixed": Kind(
        _MIXED,
        [
            {"age": 41.5, "visits": 3, "member": True, "city": "Zürich: a \"b\"", "since": "2026-01-02T03:04:05"},
            {"age": None, "visits": None, "member": False, "city": None, "since": None},
        ],
    ),
    "tensor": Kind((_IMAGE,), [{"image": IMAGE}, {"image": IMAGE[::-1]}]),
    "tensor and number": Kind(
        (_IMAGE, *_numbers("scale")),
        [{"image": IMAGE, "scale": 2.0}, {"image": IMAGE, "scale": -1.5}],
    ),
    "bytes": Kind((Column(name="file", dtype="bytes"),), [{"file": b"\x00\xff\xfePNG"}, {"file": b""}]),
    "text": Kind((Column(name="text", dtype="string"),), [{"text": 'one: "two"'}, {"text": "dreißig"}]),
    "many targets": Kind(_numbers("a", "b"), [{"a": 1.0, "b": 2.5}, {"a": -4.0, "b": 0.0}], FakeAnswers(targets=3)),
    "one feature": Kind(_numbers("a"), [{"a": 1.5}, {"a": -2.0}]),
    "labels": Kind(
        _numbers("a", "b"),
        [{"a": 1.0, "b": 1.0}, {"a": 3.0, "b": 1.0}],
        FakeAnswers(labels=("setosa", "versicolor", "virginica")),
    ),
}  # fmt: skip


def as_json(rows: Rows) -> Rows:
    """As our own protocol writes them."""
    return [{name: base64_of(cell) if isinstance(cell, bytes) else cell for name, cell in row.items()} for row in rows]


def base64_of(cell: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(cell).decode()


def publish_kind(home: Home, kind: Kind, endpoint: str) -> None:
    """Put an endpoint of this kind where workers find it."""
    signature = Signature(inputs=kind.inputs, outputs=_outputs(kind.answers))
    columns = {column.name: [row[column.name] for row in as_json(kind.rows)] for column in kind.inputs}
    outputs = FakeModel(kind.answers).predict(batch_from_columns(signature, columns))
    golden = {
        "format": 1,
        "inputs": {"columns": columns},
        "outputs": {name: array.tolist() for name, array in outputs.items()},
        "tolerance": {"absolute": 1e-6, "relative": 1e-5},
    }
    manifest = Manifest(
        name=endpoint,
        framework="fake",
        task="classification" if kind.answers.labels else "regression",
        classes=kind.answers.labels,
        signature=signature,
        forms={"native": Form(runtime="fake", path="model.json")},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
    )
    files = {"model.json": msgspec.json.encode(kind.answers), GOLDEN: json.dumps(golden).encode()}
    publish(home, route_table(write_bundle(home.cache, manifest, files), endpoint))


def _outputs(answers: FakeAnswers) -> tuple[Column, ...]:
    if answers.labels:
        probabilities = Column(name="probabilities", dtype="float64", shape=(len(answers.labels),))
        return Column(name="predictions", dtype="string"), probabilities
    shape = (answers.targets,) if answers.targets else ()
    return (Column(name="predictions", dtype="float64", shape=shape),)
