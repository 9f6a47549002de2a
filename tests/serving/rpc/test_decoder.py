"""The decoder of gRPC's messages: every kind of column, and whatever bytes a stranger sends."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.fuzzing import BUDGET_SECONDS, CONTRACT, SLACK, read

from headgate.errors import HeadgateError
from headgate.records import Column, Signature
from headgate.serving.contract import Contract
from headgate.serving.dialects.datatypes import datatype_of, write_raw
from headgate.serving.dialects.oip_grpc import OpenInferenceGrpc
from headgate.serving.dialects.oip_messages import message

decode = OpenInferenceGrpc().decoder(CONTRACT)
MATRIX = Contract(Signature(inputs=tuple(Column(name=name, dtype="float32") for name in "abc")), 100, 1 << 20)
NUMBERS = ("BOOL", "INT8", "INT64", "UINT64", "FP16", "BF16", "FP32", "FP64", "BYTES")


def request(arrays: dict[str, Any], **more: Any) -> bytes:
    inputs = [
        {"name": name, "datatype": datatype_of(array.dtype), "shape": array.shape} for name, array in arrays.items()
    ]
    raw = [write_raw(array) for array in arrays.values()]
    said: bytes = message("ModelInferRequest")(inputs=inputs, raw_input_contents=raw, **more).SerializeToString()
    return said


def table(count: int) -> dict[str, Any]:
    return {
        "x": np.full(count, 1.5),
        "n": np.full((count, 1), 3, np.int16),
        "s": np.array(["a:é"] * count, object),
        "t": np.array(["2026-01-02T03:04:05Z"] * count, object),
        "who": np.array(["me"] * count, object),
    }


def test_columns_of_every_kind() -> None:
    rows = decode(request(table(3)))
    assert rows.count == 3
    batch = CONTRACT.assemble([rows])
    assert batch.rows == 3
    assert rows.others is not None
    assert rows.others["who"] == ["me"] * 3


def test_bytes_stay_bytes() -> None:
    contract = Contract(Signature(inputs=(Column(name="b", dtype="bytes"), Column(name="x", dtype="float64"))), 10)
    read_it = OpenInferenceGrpc().decoder(contract)
    arrays = {"b": np.array([b"\xff\0"], object), "x": np.ones(1)}
    batch = contract.assemble([read_it(request(arrays))])
    assert batch.columns is not None
    assert batch.columns["b"].tolist() == [b"\xff\0"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int32])
def test_a_plain_matrix_is_what_any_is(dtype: Any) -> None:
    cells = np.arange(12).reshape(4, 3).astype(dtype)
    rows = OpenInferenceGrpc().decoder(MATRIX)(request({"any": cells}))
    found = MATRIX.assemble([rows]).matrix
    assert found is not None
    assert np.array_equal(found, cells.astype(np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    cells = np.zeros((2, 3), np.float32)
    cells[1, 2] = bad
    with pytest.raises(HeadgateError) as caught:
        OpenInferenceGrpc().decoder(MATRIX)(request({"any": cells}))
    assert caught.value.status == 422


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    read(decode, body)


@given(st.data())
def test_damaged_messages(data: st.DataObject) -> None:
    body = bytearray(request(table(2)))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        body = body or bytearray(b"\0")
    read(decode, bytes(body))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["x", "n", "s", "t", "any"]), st.sampled_from(NUMBERS),
            st.lists(st.integers(-2, 1 << 62), max_size=3), st.binary(max_size=40),
        ),
        max_size=4,
    )
)  # fmt: skip
def test_any_tensors(tensors: list[tuple[str, str, list[int], bytes]]) -> None:
    inputs = [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape, _ in tensors]
    raw = [content for _, _, _, content in tensors]
    read(decode, message("ModelInferRequest")(inputs=inputs, raw_input_contents=raw).SerializeToString())


@pytest.mark.parametrize("kind", ["tensors", "elements", "outputs", "parameters", "typed", "sizes"])
def test_work_is_bounded_by_the_size(kind: str) -> None:
    size = 100_000
    cases: dict[str, dict[str, Any]] = {
        "tensors": {"inputs": [{"name": "x"}] * (size // 5)},
        "elements": {
            "inputs": [{"name": "s", "datatype": "BYTES", "shape": [size // 4]}], "raw_input_contents": [bytes(size)],
        },
        "outputs": {"outputs": [{"name": "x"}] * (size // 5)},
        "parameters": {"parameters": {str(place): {"bool_param": True} for place in range(size // 14)}},
        "typed": {
            "inputs": [
                {"name": "x", "datatype": "INT64", "shape": [size], "contents": {"int64_contents": [1] * size}}
            ]
        },
        "sizes": {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1] * size}], "raw_input_contents": [b"1"]},
    }  # fmt: skip
    body = message("ModelInferRequest")(**cases[kind]).SerializeToString()
    begun = time.process_time()
    read(decode, body)
    assert time.process_time() - begun < BUDGET_SECONDS * SLACK * max(1.0, len(body) / size)
