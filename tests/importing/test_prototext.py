"""Protocol-buffer text, against what protobuf itself reads."""

from contextlib import suppress

import pytest
from google.protobuf import struct_pb2, text_format
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import Malformed
from headgate.importing.prototext import first, read_message

NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(st.dictionaries(NAMES, st.one_of(st.text(max_size=20), st.floats(-1e9, 1e9), st.booleans()), max_size=5))
def test_it_reads_what_protobuf_writes(content: dict[str, object]) -> None:
    struct = struct_pb2.Struct()
    struct.update(content)
    read = read_message(text_format.MessageToString(struct, as_utf8=True))
    entries = {first(entry, "key"): first(entry, "value") for entry in read.get("fields", [])}
    assert set(entries) == set(content)
    for name, value in content.items():
        kind = "string_value" if isinstance(value, str) else "bool_value" if isinstance(value, bool) else "number_value"
        assert first(entries[name], kind) == value


@given(st.text(alphabet="abfx{}[]<>:,;\"\\'0189.-e \n#", max_size=60))
def test_anything_is_read_or_refused(text: str) -> None:
    with suppress(Malformed):
        read_message(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0xff", 255), ("-0x1F", -31), ("010", 8), ("0", 0), ("12", 12), ("1f", 1.0), ("-2.5e1f", -25.0)],
)
def test_numbers_are_read_as_protobuf_reads_them(text: str, number: float) -> None:
    assert first(read_message(f"a: {text}"), "a") == number


@pytest.mark.parametrize("text", ["a: 089", "a: " + "9" * 5000, "0x1", r"a: '\8' 1"])
def test_what_is_no_number_or_field_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_message(text)


def test_nesting_has_an_end() -> None:
    with pytest.raises(Malformed, match="nested"):
        read_message("a {" * 5000)
