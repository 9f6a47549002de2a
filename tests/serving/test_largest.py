"""Numbers beyond what the models behind an endpoint take are refused, whatever they are written in."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from tests.serving.tables import parquet, stream
from tests.serving.worker_process import WorkerProcess

from headgate.bundle.manifest import LARGEST, Form, Manifest
from headgate.errors import Refused, SignatureMismatch
from headgate.home import Home
from headgate.records import Column, Signature, Variant, VariantRole
from headgate.serving.contract import Contract
from headgate.serving.dialects.tensors import TensorDecoder
from headgate.serving.formats.registry import load_format
from headgate.serving.loading import largest_taken
from headgate.testing.bundles import build_bundle, publish, route_table, write_bundle

COLUMNS = (
    Column(name="x", dtype="float64", nullable=True),
    Column(name="n", dtype="int64"),
    Column(name="who", dtype="float64", roles=("context",)),
)
FOUND = Contract(Signature(inputs=COLUMNS), 100, largest=1e6)
MATRIX = Contract(Signature(inputs=COLUMNS[:1]), 100, largest=1e6)
Row = dict[str, Any]


def csv(row: Row) -> bytes:
    return (",".join(row) + "\r\n" + ",".join(str(value) for value in row.values()) + "\r\n").encode()


WRITE: dict[str, tuple[str, Callable[[Row], bytes]]] = {
    "rows": ("json", lambda row: json.dumps({"rows": [row]}).encode()),
    "columns": ("json", lambda row: json.dumps({"columns": {name: [cell] for name, cell in row.items()}}).encode()),
    "ndjson": ("ndjson", lambda row: json.dumps(row).encode()),
    "csv": ("csv", csv),
    "arrow": ("arrow", lambda row: stream(pa.table({name: [cell] for name, cell in row.items()}))),
    "parquet": ("parquet", lambda row: parquet(pa.table({name: [cell] for name, cell in row.items()}))),
}


@pytest.mark.parametrize("form", WRITE)
def test_every_format_refuses_them(form: str) -> None:
    name, write = WRITE[form]
    decode = load_format(name).decoder(FOUND)
    # the largest itself is taken, and what the model never sees has no bound
    assert decode(write({"x": -1e6, "n": 1_000_000, "who": 1e300})).count == 1
    for column, value in (("x", 1.1e6), ("x", -1e39), ("n", 1_000_001), ("n", -(2**62))):
        with pytest.raises(SignatureMismatch, match=f"column '{column}': expected .*1e\\+06|1000000") as refused:
            decode(write({"x": 1.5, "n": 3, "who": 1.0} | {column: value}))
        assert refused.value.detail[0]["row"] == 0


def test_tensors_are_held_to_it() -> None:
    decoder = TensorDecoder(MATRIX)
    assert decoder.read({"a": np.array([[1e6], [np.nan]])}).count == 2
    with pytest.raises(SignatureMismatch, match="row 1, column 'x': expected float64 .-1e.06 to 1e.06"):
        decoder.read({"a": np.array([[1.0], [-1e7]])})


def variant(role: VariantRole = "stable") -> Variant:
    return Variant(version="m:1", digest="0" * 64, role=role, form="onnx", placement="inline")


def with_largest(manifest: Manifest, text: str | None) -> Manifest:
    options = {} if text is None else {LARGEST: text}
    return msgspec.structs.replace(manifest, forms={"onnx": Form(runtime="onnx", path="model.onnx", options=options)})


def test_the_least_of_all_who_answer_holds(home: Home) -> None:
    manifest = build_bundle(home.cache).manifest
    wide, narrow, free = (with_largest(manifest, text) for text in ("1e39", "1e+30", None))
    assert largest_taken([(variant(), free)]) is None
    assert largest_taken([(variant(), free), (variant("candidate"), narrow), (variant("fallback"), wide)]) == 1e30
    assert largest_taken([(variant(), wide), (variant("shadow"), narrow)]) == 1e39
    with pytest.raises(Refused, match="m:1"):
        largest_taken([(variant(), with_largest(manifest, "much"))])


def test_a_worker_answers_422_beyond_what_the_form_takes(home: Home, start: Callable[..., WorkerProcess]) -> None:
    plain = build_bundle(home.cache)
    files = {name: (plain.folder / name).read_bytes() for name in plain.manifest.files}
    publish(home, route_table(write_bundle(home.cache, with_largest(plain.manifest, "3.4028234663852886e+38"), files)))
    worker = start(home)
    row = {"age": 1.0, "income": 2.0, "balance": 3.0}
    assert worker.predict({"rows": [row]}).status == 200
    answer = worker.predict({"rows": [row, row | {"income": 1e39}]})
    assert answer.status == 422
    assert answer.json["error"] == (
        "In row 1, column 'income': expected float64 (-3.40282e+38 to 3.40282e+38, beyond which the model has no "
        "answer), got 1e+39."
    )
