"""Outputs as JSON text: numbers in one call for all rows, bytes as base64."""

import base64
from typing import Any

import numpy as np
import orjson

from headgate.serving.formats.format import Array

NUMPY = orjson.OPT_SERIALIZE_NUMPY


def key_of(name: str) -> bytes:
    """What stands before an output's values."""
    return b",%b:" % orjson.dumps(name)


class Texts:
    """An array as JSON, all rows written in one call and cut into rows only where several callers share them."""

    def __init__(self, array: Array) -> None:
        self._rows = len(array)
        self._ndim = array.ndim
        self._numbers = array.dtype.kind in "biuf" and array.ndim <= 2
        self._pieces: list[bytes] | None = None
        if self._numbers:
            self._text = orjson.dumps(np.ascontiguousarray(array), option=NUMPY)
        else:
            self._pieces = [orjson.dumps(row, default=_base64, option=NUMPY) for row in array.tolist()]

    def part(self, start: int, stop: int) -> bytes:
        """The list of the rows from start to before stop."""
        if self._numbers and stop - start == self._rows:
            return self._text
        if self._pieces is None:
            self._pieces = self._text[1:-1].split(b",") if self._ndim == 1 else self._text[2:-2].split(b"],[")
        if self._numbers and self._ndim == 2:
            return b"[[%b]]" % (self._pieces[start] if stop - start == 1 else b"],[".join(self._pieces[start:stop]))
        return b"[%b]" % (self._pieces[start] if stop - start == 1 else b",".join(self._pieces[start:stop]))


def _base64(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"a {type(value).__name__} is no JSON")
