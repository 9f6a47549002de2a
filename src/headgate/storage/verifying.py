"""Bytes that are verified while they are read."""

import hashlib
import io
from collections.abc import Callable

from headgate.errors import Corrupt

Buffer = memoryview | bytearray


class VerifyingReader(io.RawIOBase):
    """Reads an object once, in order; the end is only reached when the bytes were those of the digest."""

    def __init__(self, fill: Callable[[Buffer], int], end: Callable[[], None], digest: str, where: str) -> None:
        """`fill` puts the next bytes into a buffer and says how many, 0 at the end; `end` gives back what it holds."""
        super().__init__()
        self._fill = fill
        self._end = end
        self._expected = digest
        self._where = where
        self._seen = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override]
        # the stub asks for the private type `WriteableBuffer`
        if len(buffer) == 0:
            return 0
        count = self._fill(buffer)
        if count:
            self._seen.update(memoryview(buffer)[:count])
        elif self._seen.hexdigest() != self._expected:
            raise Corrupt(
                f"The artifact {self._expected} was changed {self._where} (it hashes to {self._seen.hexdigest()}). "
                "Register the bundle again or restore a backup."
            )
        return count

    def close(self) -> None:
        if not self.closed:
            self._end()
        super().close()
