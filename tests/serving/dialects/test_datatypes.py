"""Raw tensors of the Open Inference Protocol."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import Malformed
from headgate.serving.dialects.datatypes import (
    DATATYPES,
    NAMES,
    column_datatype,
    datatype_of,
    pack,
    read_raw,
    texts,
    unpack,
    write_raw,
)

NUMBERS = [name for name in DATATYPES if name not in ("BF16", "BYTES")]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_come_back(name: str) -> None:
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(DATATYPES[name])
    assert datatype_of(array.dtype) == name
    found = read_raw(name, [2, 3], write_raw(array))
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()


def test_bf16_is_the_upper_half_of_a_float() -> None:
    wide = np.array([1.0, -2.5, 0.0, 3e38], np.float32)
    halves = (wide.view(np.uint32) >> 16).astype("<u2")
    found = read_raw("BF16", [2, 2], halves.tobytes())
    assert found.dtype == np.float32
    assert found.ravel()[:3].tolist() == [1.0, -2.5, 0.0]
    assert np.allclose(found.ravel()[3], 3e38, rtol=0.01)


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_bytes_come_back(cells: list[bytes]) -> None:
    assert unpack(pack(cells), len(cells)) == cells
    assert read_raw("BYTES", [len(cells)], pack(cells)).tolist() == cells


def test_text_is_utf_8() -> None:
    assert write_raw(np.array(["é", "b\0"], object)) == b"\x02\0\0\0\xc3\xa9\x02\0\0\0b\0"
    assert texts([b"\xc3\xa9"]) == ["é"]
    with pytest.raises(Malformed):
        texts([b"\xff"])


@pytest.mark.parametrize(
    ("name", "shape", "content"),
    [
        ("FP32", [2], b"1234"),
        ("FP32", [1 << 40, 1 << 40], b"1234"),
        ("FP32", [-1, -1], b"1234"),
        ("FP32", [1] * 17, b"1234"),
        ("FP8", [1], b"1"),
        ("BYTES", [2], pack([b"one"])),
        ("BYTES", [1], pack([b"one", b"two"])),
        ("BYTES", [1 << 60], pack([b"one"])),
        ("BYTES", [1], b"\xff\xff\xff\xff123"),
        ("BYTES", [1], b"\x01\0"),
        ("BYTES", [0], b"1"),
    ],
)
def test_what_does_not_fill_its_shape_is_refused(name: str, shape: list[int], content: bytes) -> None:
    with pytest.raises(Malformed):
        read_raw(name, shape, content)


@given(st.sampled_from([*DATATYPES]), st.lists(st.integers(-2, 1 << 62), max_size=4), st.binary(max_size=64))
def test_whatever_comes_is_read_or_refused(name: str, shape: list[int], content: bytes) -> None:
    try:
        found = read_raw(name, shape, content)
    except Malformed:
        return
    assert list(found.shape) == shape


def test_columns_have_datatypes() -> None:
    kinds: dict[str, Any] = {"float64": "FP64", "int8": "INT8", "bool": "BOOL", "string": "BYTES", "datetime": "BYTES"}
    assert {kind: column_datatype(kind) for kind in kinds} == kinds
    assert set(NAMES.values()) == DATATYPES.keys() - {"BF16"}
