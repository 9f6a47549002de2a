"""Universal Binary JSON, in which XGBoost writes its models: read whole, or refused with the place.

XGBoost itself reads on beyond the end of a file that is not whole, and dies of it. Arrays of numbers come as NumPy's.
"""

from typing import Any

import numpy as np

from headgate.errors import ModelError

NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
COUNTS = frozenset((b"i", b"U", b"I", b"l", b"L"))
WORDS = {b"Z": None, b"T": True, b"F": False}
DEEPEST = 64  # XGBoost writes some ten levels


def read_ubjson(content: bytes) -> dict[str, Any]:
    """The object in a file's bytes; raises `ModelError` with the place where it is not what it should be."""
    reader = _Reader(content)
    if reader.take(1) != b"{":
        raise reader.wrong("an object")
    return reader.read_object(0)


class _Reader:
    """Goes through a file once, from its first byte on."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def wrong(self, expected: str) -> ModelError:
        """What is raised at this place."""
        return ModelError(f"The model file is damaged: expected {expected} before byte {self._place}.")

    def take(self, size: int) -> bytes:
        """The next bytes, all of them."""
        taken = self._content[self._place : self._place + size]
        self._place += size
        if size < 0 or len(taken) != size:
            raise self.wrong(f"{size} more bytes")
        return taken

    def read_object(self, depth: int) -> dict[str, Any]:
        """Names and values, to the end of the object or as many as it says."""
        kind, count = self._container()
        found: dict[str, Any] = {}
        while self._has_more(count, b"}"):
            name = self._text()
            found[name] = self._read(kind or self.take(1), depth)
            count = None if count is None else count - 1
        return found

    def _read_array(self, depth: int) -> Any:
        kind, count = self._container()
        if kind in NUMBERS and count is not None:
            dtype = np.dtype(NUMBERS[kind])
            return np.frombuffer(self.take(dtype.itemsize * count), dtype).astype(dtype.newbyteorder("="))
        found = []
        while self._has_more(count, b"]"):
            found.append(self._read(kind or self.take(1), depth))
            count = None if count is None else count - 1
        return found

    def _has_more(self, count: int | None, end: bytes) -> bool:
        """Whether a value follows, by what was said or by what comes."""
        if count is not None:
            return count > 0
        if self._content[self._place : self._place + 1] != end:
            return True
        self._place += 1
        return False

    def _read(self, kind: bytes, depth: int) -> Any:
        if depth > DEEPEST:
            raise self.wrong("fewer levels")
        if kind in NUMBERS:
            dtype = np.dtype(NUMBERS[kind])
            return np.frombuffer(self.take(dtype.itemsize), dtype)[0].item()
        if kind in WORDS:
            return WORDS[kind]
        if kind == b"S":
            return self._text()
        if kind == b"{":
            return self.read_object(depth + 1)
        if kind == b"[":
            return self._read_array(depth + 1)
        raise self.wrong("a value")

    def _text(self) -> str:
        return self.take(self._count()).decode(errors="replace")

    def _container(self) -> tuple[bytes, int | None]:
        """The kind of all values, empty where each says its own, and how many there are, where it is said."""
        kind = b""
        if self._peek() == b"$":
            kind = self.take(2)[1:]
        if self._peek() == b"#":
            self.take(1)
            count = self._count()
            if kind in WORDS:
                # they take no bytes: nothing bounds how many there may be
                raise self.wrong("values that take bytes")
            return kind, count
        if kind:
            raise self.wrong("a count")
        return b"", None

    def _count(self) -> int:
        kind = self.take(1)
        if kind not in COUNTS:
            raise self.wrong("a count")
        size = np.dtype(NUMBERS[kind]).itemsize
        return int.from_bytes(self.take(size), "big", signed=kind != b"U")

    def _peek(self) -> bytes:
        return self._content[self._place : self._place + 1]
