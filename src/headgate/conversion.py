"""Plain values made into records.

What msgspec knows of a record is built when it is first asked for, and two threads that ask at once end the process.
So whoever reads records has made its converter, or its `msgspec.json.Decoder`, when its module was imported.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

R = TypeVar("R")


def converter(kind: type[R], *, strict: bool = True) -> Callable[[Any], R]:
    """What makes a record of that kind of plain values; it raises `msgspec.ValidationError` for what is none."""
    msgspec.json.Decoder(kind)

    def convert(value: Any) -> R:
        return msgspec.convert(value, kind, strict=strict)

    return convert
