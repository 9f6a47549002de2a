"""The frames between worker and host: whole and unchanged, or a typed error."""

import math
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from headgate.errors import Malformed, ModelOutputInvalid
from headgate.runtimes.batch import Array, Batch
from headgate.serving.hosts.wire import (
    CANCEL,
    FRAME_BYTES,
    Call,
    Frames,
    Reply,
    decode_call,
    decode_reply,
    encode_call,
    encode_cancel,
    encode_failure,
    encode_leaving,
    encode_outputs,
    encode_started,
)
from headgate.serving.trace import Trace

NUMBERS = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes()
)
TIMES = st.just(np.dtype("datetime64[us]"))
SCALARS = st.one_of(st.none(), st.text(), st.binary(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats())


def objects(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    size = math.prod(shape)
    return st.lists(SCALARS, min_size=size, max_size=size).map(lambda values: as_objects(values).reshape(shape))


def as_objects(values: list[Any]) -> Array:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Array]:
    rows = draw(st.integers(1, 4))
    names = draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True))
    found = {}
    for name in names:
        shape = (rows, *draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)))
        found[name] = draw(objects(shape) | hnp.arrays(NUMBERS | TIMES, shape))
    return found


def same(left: Array, right: Array) -> bool:
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype.kind == "O":
        return all(one is two or one == two or one != one for one, two in zip(left.flat, right.flat, strict=True))
    return left.tobytes() == right.tobytes()


def only(frames: bytes) -> bytes:
    [frame] = Frames().feed(frames)
    return frame


@given(hnp.arrays(NUMBERS, st.tuples(st.integers(1, 5), st.integers(1, 5))), st.integers(0, 2**64 - 1), st.booleans())
def test_a_matrix_comes_over_as_it_is(matrix: Array, number: int, alone: bool) -> None:
    names = [str(place) for place in range(matrix.shape[1])]
    call = decode_call(only(encode_call(number, Batch(names, matrix=matrix), 12.5, alone=alone)))
    batch = call.batch(names)
    assert (call.id, call.alone, call.deadline) == (number, alone, 12.5)
    assert batch.matrix is not None and same(batch.matrix, matrix)
    batch.matrix[:] = 0  # models may write into what they are given


def test_a_trace_comes_over_and_costs_nobody_else_a_byte() -> None:
    batch = Batch(["x"], matrix=np.zeros((1, 1)))
    plain = only(encode_call(1, batch, 1.0))
    assert b"trace" not in plain
    trace = Trace("a" * 32, "b" * 16, "c" * 16, sampled=True, state="vendor=1")
    call = decode_call(only(encode_call(1, batch, 1.0, trace=trace)))
    assert (call.traceparent, call.tracestate) == (f"00-{'a' * 32}-{'b' * 16}-01", "vendor=1")


@given(columns())
def test_columns_come_over_as_they_are(arrays: dict[str, Array]) -> None:
    call = decode_call(only(encode_call(1, Batch(tuple(arrays), columns=arrays), 1.0)))
    batch = call.batch(["not", "asked"])
    assert batch.names == tuple(arrays)
    assert all(same(batch.columns[name], arrays[name]) for name in arrays)


@given(columns())
def test_outputs_come_over_as_they_are(arrays: dict[str, Array]) -> None:
    reply = decode_reply(only(encode_outputs(7, arrays)))
    assert reply.id == 7 and reply.ok
    found = reply.arrays()
    assert all(same(found[name], arrays[name]) for name in arrays)


def test_text_arrays_become_objects() -> None:
    reply = decode_reply(only(encode_outputs(1, {"predictions": np.array(["ja", "nein"])})))
    assert reply.arrays()["predictions"].tolist() == ["ja", "nein"]


def test_numpy_scalars_among_objects_become_plain() -> None:
    reply = decode_reply(only(encode_outputs(1, {"predictions": as_objects([np.int64(3), np.str_("x")])})))
    assert reply.arrays()["predictions"].tolist() == [3, "x"]


def test_the_words_beside_answers() -> None:
    assert decode_call(only(encode_cancel(4))) == Call(id=4, op=CANCEL)
    assert decode_reply(only(encode_started(4))) == Reply(id=4, started=True)
    assert decode_reply(only(encode_leaving())) == Reply(leaving=True)
    assert decode_reply(only(encode_failure(4, "CODE", "why"))) == Reply(id=4, ok=False, code="CODE", error="why")


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array([[1, 2], "x"], dtype=object),
        np.array([1 + 2j]),
        np.zeros(2, dtype=[("a", "f8")]),
        np.array([2**70], dtype=object),
        np.array(["half of a character: \ud800"], dtype=object),
    ],
    ids=["object", "list", "complex", "record", "long", "surrogate"],
)
def test_what_cannot_be_sent_is_the_models_fault(array: Array) -> None:
    with pytest.raises(ModelOutputInvalid):
        encode_outputs(1, {"predictions": array})


def test_an_answer_over_the_limit_is_refused() -> None:
    with pytest.raises(ModelOutputInvalid, match="at most"):
        encode_outputs(1, {"predictions": np.zeros(FRAME_BYTES // 8 + 1)})


def read_both_ways(frame: bytes) -> None:
    """Raises nothing but what the contract names."""
    with suppress(Malformed):
        decode_call(frame).batch(["a", "b"])
    with suppress(Malformed):
        decode_reply(frame).arrays()


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_malformed(frame: bytes) -> None:
    read_both_ways(frame)


PARTS = st.fixed_dictionaries(
    {"dtype": st.sampled_from(["<f8", "|b1", "object", "<M8[us]", "O", "<U3", "f8,f8", "<f3", ""]) | st.text()},
    optional={
        "shape": st.lists(st.integers(-(2**63), 2**64 - 1), max_size=3),
        "data": st.none() | st.binary(max_size=32),
        "values": st.none() | st.lists(SCALARS | st.lists(SCALARS) | st.dictionaries(st.text(), SCALARS), max_size=4),
    },
)


@given(
    st.fixed_dictionaries(
        {"id": st.integers(-1, 2**64 - 1), "op": st.just("predict"), "ok": st.booleans()},
        optional={
            "rows": st.integers(-2, 2**64 - 1),
            "dtype": st.sampled_from(["<f8", "O", "", "<f16"]),
            "matrix": st.binary(max_size=64),
            "columns": st.dictionaries(st.text(max_size=3), PARTS, max_size=3),
            "outputs": st.dictionaries(st.text(max_size=3), PARTS, max_size=3),
        },
    )
)
def test_any_message_decodes_or_is_malformed(message: dict[str, Any]) -> None:
    read_both_ways(msgspec.msgpack.encode(message))


@given(st.lists(st.binary(max_size=20), max_size=6), st.lists(st.integers(1, 7)))
def test_frames_are_cut_alike_however_they_arrive(payloads: list[bytes], steps: list[int]) -> None:
    stream = b"".join(len(payload).to_bytes(4, "little") + payload for payload in payloads)
    frames = Frames()
    found: list[bytes] = []
    for step in [*steps, len(stream)]:
        found += frames.feed(stream[:step])
        stream = stream[step:]
    assert found == payloads


def test_a_frame_over_the_limit_is_refused_before_it_arrives() -> None:
    with pytest.raises(Malformed, match="at most 10 bytes"):
        list(Frames(limit=10).feed((11).to_bytes(4, "little")))
