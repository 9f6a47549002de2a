"""Compressed bodies: `Content-Encoding` gzip or deflate, once, never past the size that the endpoint takes."""

import zlib
from collections.abc import Callable

from headgate.errors import Malformed, TooLarge, UnsupportedType

# how zlib is told what it reads; deflate is the zlib format (RFC 9110, 8.4.1.2)
_WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
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
    reader = zlib.decompressobj(wbits=window)
    try:
        # what is asked for is all that is ever allocated, so that a bomb stops at one byte too many
        content = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed(f"The body is not what its Content-Encoding says: {error}.") from None
    if len(content) > limit:
        raise TooLarge(f"The body is over {limit} bytes once it is decompressed.")
    if not reader.eof:
        raise Malformed("The compressed body ends too early.")
    if reader.unused_data:
        raise Malformed("Bytes follow the end of the compressed body. Send it as one member.")
    return content
