"""Compressed bodies: `Content-Encoding` gzip or deflate, once, never past the size that the endpoint takes."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from headgate.errors import Malformed, TooLarge, UnsupportedType

# how zlib is told what it reads; deflate is the zlib format (RFC 9110, 8.4.1.2)
GZIP = 31
_WINDOWS = {b"gzip": GZIP, b"x-gzip": GZIP, b"deflate": 15}
# of one body: each costs more than its bytes say
MEMBERS = 4_096
# bytes that are looked at together: what is left of them after each member is copied
_STEP = 1 << 16
IDENTITY = b"identity"
# the compressed body and the most bytes it may become → what it was before; raises Malformed or TooLarge
Expand = Callable[[bytes | bytearray, int], bytes]


def expander(encoding: bytes) -> Expand | None:
    """How a body of that `Content-Encoding` is read, None for as it is; raises `UnsupportedType`."""
    name = encoding.strip().lower()
    if name == IDENTITY:
        return None
    window = _WINDOWS.get(name)
    if window is None:
        raise UnsupportedType(f"Expected one Content-Encoding out of gzip, deflate, identity, got {encoding[:64]!r}.")

    def expand(body: bytes | bytearray, limit: int) -> bytes:
        return _expand(body, limit, window)

    return expand


def _expand(body: bytes | bytearray, limit: int, window: int) -> bytes:
    parts: list[bytes] = []
    # what is asked for is all that is ever allocated, so that a bomb stops at one byte too many
    room = limit + 1
    readers = _readers(window)
    reader = next(readers)
    try:
        for start in range(0, len(body), _STEP):
            rest = bytes(body[start : start + _STEP])
            while rest:
                reader = next(readers) if reader.eof else reader
                parts.append(reader.decompress(rest, room))
                room -= len(parts[-1])
                if not room:
                    raise TooLarge(f"The body is over {limit} bytes once it is decompressed.")
                rest = reader.unused_data
    except zlib.error as error:
        raise Malformed(f"The body is not what its Content-Encoding says: {error}.") from None
    if not reader.eof:
        raise Malformed("The compressed body ends too early.")
    return b"".join(parts)


def _readers(window: int) -> Iterator[Any]:
    """One for each member: a gzip body is all of its members, one after the other (RFC 1952, 2.2)."""
    yield zlib.decompressobj(wbits=window)
    if window != GZIP:
        raise Malformed("Bytes follow the end of the compressed body: expected one zlib stream.")
    for _ in range(1, MEMBERS):
        yield zlib.decompressobj(wbits=window)
    raise Malformed(f"The body has more than {MEMBERS} members of gzip. Compress it in larger pieces.")
