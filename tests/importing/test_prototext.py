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


@given(st.text(alphabet="ab{}[]<>:,;\"\\'0.-e \n#", max_size=60))
def test_anything_is_read_or_refused(text: str) -> None:
    with suppress(Malformed):
        read_message(text)


def test_nesting_has_an_end() -> None:
    with pytest.raises(Malformed, match="nested"):
        read_message("a {" * 5000)
