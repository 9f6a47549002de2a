"""The grammar of names against the paths, encodings and control characters that attackers send."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import InvalidName, Malformed
from headgate.names import fold, shown, validate_name, validate_text

HOSTILE = (
    "../etc", "a/../b", "../../etc/passwd", "model/..", "..", ".", "/etc/passwd", "model/", " ..", ".. ", "..\\..\\x",
    "%2e%2e%2f", "%252e%252e%252f", "..%5c", "..%c0%af", "\x00", "a\x00b", "a\nb", "a\r\nb", "a" * 129, "a" * 256,
    "a" * 4096, "C:\\x", "//host/share", "", " ", "-a", "_a", ".a", "a b", "é", "ａ", "a\u202eb", "a\n", "٣", "a:1",
    "a@b", "\ud800", "a?b", "a#b", "a%00",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_refused(text: str) -> None:
    for decoded in {text, unquote(text)}:
        with pytest.raises(InvalidName) as caught:
            validate_name(decoded)
        assert "\n" not in caught.value.message
        assert caught.value.message.isascii()
        assert len(caught.value.message) < 500


# `model..` and `CON` are names: they hold no separator, and nothing here runs where CON is a device
@pytest.mark.parametrize("text", ["a", "7", "fraud", "Fraud-2.1_x", "model..", "CON", "a" * 128, "0-._"])
def test_names_are_accepted_as_they_are(text: str) -> None:
    assert validate_name(text) == text


@given(st.text(max_size=140))
def test_what_is_accepted_is_one_harmless_path_part(text: str) -> None:
    try:
        validate_name(text)
    except InvalidName:
        return
    assert text.isascii()
    assert not set(text) & set("/\\%\x00\n:@ ")
    assert text[0] not in ".-_"


def test_names_are_the_same_ignoring_case() -> None:
    assert fold("Fraud") == fold("fRAUD")


@pytest.mark.parametrize("text", ["a\x00", "\ud800", "\udfff", "x" * 4001])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="reason"):
        validate_text(text, "reason")


def test_text_may_be_anything_else() -> None:
    assert validate_text("émoji \U0001f600\n<b>", "reason") == "émoji \U0001f600\n<b>"


def test_shown_text_is_one_short_line() -> None:
    assert shown("a\n\x1b[2J\u2028" + "x" * 1000).isascii()
    assert len(shown("x" * 1000)) < 100
