"""Protocol-buffer text, as far as configurations use it: fields, nested messages, lists. No schema is needed.

Source: the Protocol Buffers text format specification.
"""

import re
from collections.abc import Iterator
from typing import Any

from headgate.errors import Malformed
from headgate.names import shown

TOKEN = re.compile(
    r"""\s+|\#[^\n]*
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<number>-?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?f?|\.[0-9]+))
    |(?P<sign>[{}\[\]<>:,;])""",
    re.VERBOSE,
)
ESCAPE = re.compile(rb"\\([xX][0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
CODES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
DEPTH = 20
CLOSING = {"{": "}", "<": ">"}
Message = dict[str, list[Any]]


def read_message(text: str) -> Message:
    """Field → its values in order; a nested message is such a mapping too. Raises `Malformed` naming the place."""
    return _Reader(text).message("", 0)


def first(message: Message, name: str, default: Any = None) -> Any:
    """The field's first value, or the default."""
    return message[name][0] if message.get(name) else default


class _Reader:
    """Tokens, one ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = next(self._tokens)

    def message(self, closing: str, depth: int) -> Message:
        if depth > DEPTH:
            raise Malformed(f"The configuration is nested more than {DEPTH} deep.")
        fields: Message = {}
        while self._next != ("sign", closing):
            kind, name = self._take()
            if kind != "word":
                raise Malformed(f"Expected the name of a field, got {shown(name or 'the end')}.")
            fields.setdefault(name, []).extend(self._values(depth))
            while self._next in (("sign", ","), ("sign", ";")):
                self._take()
        self._take()
        return fields

    def _values(self, depth: int) -> list[Any]:
        if self._next == ("sign", ":"):
            self._take()
        if self._next != ("sign", "["):
            return [self._value(depth)]
        self._take()
        values = []
        while self._next != ("sign", "]"):
            values.append(self._value(depth))
            if self._next == ("sign", ","):
                self._take()
        self._take()
        return values

    def _value(self, depth: int) -> Any:
        kind, token = self._take()
        if kind == "sign" and token in CLOSING:
            return self.message(CLOSING[token], depth + 1)
        if kind == "number":
            return _number(token)
        if kind == "word":
            return {"true": True, "false": False}.get(token, token)
        if kind == "text":
            # adjacent texts are one
            while self._next[0] == "text":
                token += self._take()[1]
            return token
        raise Malformed(f"Expected a value, got {shown(token or 'the end')}.")

    def _take(self) -> tuple[str, str]:
        taken = self._next
        if taken != ("sign", ""):
            self._next = next(self._tokens)
        return taken


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        if not found:
            line = text.count("\n", 0, place) + 1
            raise Malformed(f"Expected protocol-buffer text, got {shown(text[place : place + 20])} in line {line}.")
        place = found.end()
        if found.lastgroup == "text":
            yield "text", _unquoted(found["text"])
        elif found.lastgroup:
            yield found.lastgroup, found[0]
    yield "sign", ""


def _number(token: str) -> int | float:
    digits = token.removeprefix("-").lower()
    try:
        if digits.startswith("0x"):
            value: int | float = int(digits, 16)
        elif digits.isdecimal():
            value = int(digits, 8 if digits.startswith("0") else 10)
        else:
            value = float(digits.removesuffix("f"))
    except ValueError as error:
        raise Malformed(f"Expected a number, got {shown(token)}.") from error
    return -value if token.startswith("-") else value


def _unquoted(text: str) -> str:
    return ESCAPE.sub(_unescaped, text[1:-1].encode()).decode(errors="replace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code[:1] in b"xX" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    return bytes([int(code, 8) & 0xFF]) if code[:1] in b"01234567" else CODES.get(code, code)
