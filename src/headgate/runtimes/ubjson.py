"""Is it a whole file of Universal Binary JSON? XGBoost reads on beyond the end of one that is not, and dies of it."""

from headgate.errors import ModelError

SIZES = {b"Z": 0, b"N": 0, b"T": 0, b"F": 0, b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8}
COUNTS = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8}
DEEPEST = 64  # XGBoost writes some ten levels


def check_ubjson(content: bytes) -> None:
    """Raises `ModelError` with the place where the file is not what it should be."""
    reader = _Reader(content)
    if reader.take(1) != b"{":
        raise reader.wrong("an object")
    reader.skip_object(0)


class _Reader:
    """Goes over the values of a file without keeping any."""

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

    def skip_object(self, depth: int) -> None:
        """Names and values, to the end of the object or as many as it says."""
        kind, count = self._container()
        while count is None or count > 0:
            if count is None and self._peek() == b"}":
                self.take(1)
                return
            self.take(self._count())
            self._skip_value(kind or self.take(1), depth)
            count = None if count is None else count - 1

    def _skip_array(self, depth: int) -> None:
        kind, count = self._container()
        if kind in SIZES and count is not None:
            self.take(SIZES[kind] * count)
            return
        while count is None or count > 0:
            if count is None and self._peek() == b"]":
                self.take(1)
                return
            self._skip_value(kind or self.take(1), depth)
            count = None if count is None else count - 1

    def _skip_value(self, kind: bytes, depth: int) -> None:
        if depth > DEEPEST:
            raise self.wrong("fewer levels")
        if kind in SIZES:
            self.take(SIZES[kind])
        elif kind == b"S":
            self.take(self._count())
        elif kind == b"{":
            self.skip_object(depth + 1)
        elif kind == b"[":
            self._skip_array(depth + 1)
        else:
            raise self.wrong("a value")

    def _container(self) -> tuple[bytes, int | None]:
        """The kind of all values, empty where each says its own, and how many there are, where it is said."""
        kind = b""
        if self._peek() == b"$":
            kind = self.take(2)[1:]
        if self._peek() == b"#":
            self.take(1)
            return kind, self._count()
        if kind:
            raise self.wrong("a count")
        return b"", None

    def _count(self) -> int:
        kind = self.take(1)
        if kind not in COUNTS:
            raise self.wrong("a count")
        return int.from_bytes(self.take(COUNTS[kind]), "big", signed=kind != b"U")

    def _peek(self) -> bytes:
        return self._content[self._place : self._place + 1]
