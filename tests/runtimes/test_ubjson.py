"""A file is gone over to its end, or refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import ModelError
from headgate.runtimes.ubjson import read_ubjson


def key(name: bytes) -> bytes:
    return b"L" + struct.pack(">q", len(name)) + name


WHOLE = (
    b"{" + key(b"text") + b"S" + key(b"value") + key(b"numbers") + b"[$d#L" + struct.pack(">q", 3) + bytes(12)
    + key(b"mixed") + b"[" + b"i\x05" + b"T" + b"D" + bytes(8) + b"]"
    + key(b"inner") + b"{$i#U\x02" + key(b"a") + b"\x01" + key(b"b") + b"\x02" + key(b"none") + b"Z" + b"}"
)  # fmt: skip


def test_a_whole_file_is_read() -> None:
    found = read_ubjson(WHOLE)
    assert found.pop("numbers").tolist() == [0.0, 0.0, 0.0]
    assert found == {"text": "value", "mixed": [5, True, 0.0], "inner": {"a": 1, "b": 2}, "none": None}


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_that_ends_early_is_refused(end: int) -> None:
    with pytest.raises(ModelError, match="damaged: expected"):
        read_ubjson(WHOLE[:end])


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=9))
def test_a_changed_file_passes_or_is_refused(place: int, change: bytes) -> None:
    try:
        read_ubjson(WHOLE[:place] + change + WHOLE[place + len(change) :])
    except ModelError as error:
        assert "damaged" in error.message


def test_no_depth_and_no_count_is_too_much() -> None:
    for content in (
        b"{" + (key(b"a") + b"{") * 100_000,
        b"{" + key(b"a") + b"[" * 100_000,
        b"{" + key(b"a") + b"[$d#L" + struct.pack(">q", 2**62),
        b"{" + key(b"a") + b"[$d#L" + struct.pack(">q", -1),
        b"{" + key(b"a") + b"[#L" + struct.pack(">q", 2**62) + b"i\x01",
    ):
        with pytest.raises(ModelError, match="damaged"):
            read_ubjson(content)


def test_values_without_bytes_are_not_counted_out() -> None:
    with pytest.raises(ModelError, match="values that take bytes"):
        read_ubjson(b"{" + key(b"a") + b"[$Z#L" + struct.pack(">q", 2**62) + b"}")
