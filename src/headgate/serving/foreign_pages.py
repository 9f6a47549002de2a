"""Pages of other sites, which a browser on this machine may show: what they send reaches no dialect.

Our own protocol takes no content type that a page may send unasked. Clients of other systems call their bodies
anything, or nothing; but a browser says for whom it asks, and no program does.
"""

from headgate.errors import Forbidden
from headgate.serving.contract import Rows
from headgate.serving.formats.format import NO_HEADERS, Decode, Headers

ORIGIN, SITE = "origin", "sec-fetch-site"
_OWN = (b"same-origin", b"none")


def refusing_pages(decode: Decode) -> Decode:
    """A decoder that raises `Forbidden` for what a page of another site sends."""

    def read(body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows:
        if (SITE in headers or ORIGIN in headers) and _is_foreign(headers):
            raise Forbidden("Pages of other sites may not ask this server. Send it from a program, without Origin.")
        return decode(body, headers)

    return read


def _is_foreign(headers: Headers) -> bool:
    if SITE in headers:
        return headers[SITE].lower() not in _OWN
    return headers[ORIGIN].partition(b"://")[2].lower() != headers.get("host", b"").lower()
