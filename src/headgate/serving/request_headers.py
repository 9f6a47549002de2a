"""Which headers are read, and what those of a predict request ask for when it is anything out of the ordinary."""

import re
from collections.abc import Container, Iterable, Mapping
from typing import TypeVar

from headgate.errors import DeadlineExceeded, HeadgateError, Malformed, ModelError

# the headers that anybody here reads; all but lists may come once
NAMES = (
    "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "accept", "authorization",
    "connection", "expect", "upgrade", "headgate-id", "headgate-key", "headgate-priority", "headgate-timeout-ms",
    "headgate-variant", "origin", "sec-fetch-site", "traceparent", "tracestate",
)  # fmt: skip
# `traceparent` is none: two of them make one that is not valid, which begins a new trace
LISTS = ("accept", "accept-encoding", "connection", "content-encoding", "traceparent", "tracestate")
KNOWN: dict[bytes, str] = {}
Reply = TypeVar("Reply")
_ID = re.compile(rb"[A-Za-z0-9._:/@+=~-]{1,128}", re.ASCII)
_TIMEOUT = re.compile(rb"[0-9]{1,9}", re.ASCII)


def know(names: Iterable[str]) -> None:
    """Read these headers too."""
    KNOWN.update({spelling.encode(): name for name in names for spelling in (name, name.title())})


know(NAMES)


def find_fault(headers: Mapping[str, bytes], hosts: Container[bytes]) -> Malformed | None:
    """Why a head is refused, before anything asks for whom it is."""
    if (host := headers.get("host", b"")).lower() not in hosts:
        return _no_host(host)
    if headers.get("transfer-encoding", b"chunked").lower() != b"chunked":
        said = shown(headers["transfer-encoding"])
        return Malformed(f"Expected Transfer-Encoding: chunked, got {said}. Send the body chunked, or its length.")
    if "upgrade" in headers and headers.get("content-length", b"0") != b"0":
        # the parser leaves the body to the other protocol
        return Malformed("Expected a request of HTTP/1.1, got one with Upgrade and a body. Leave Upgrade out.")
    if headers.get("expect", b"100-continue").lower() != b"100-continue":
        return Malformed(f"Expected Expect: 100-continue or none, got {shown(headers['expect'])}. Leave it out.")
    return None


def _no_host(given: bytes) -> Malformed:
    if not given:
        return Malformed("Expected a Host header, got none. Send the name or address that you connect to.")
    return Malformed(
        f"Expected a Host that names this server, got {shown(given)}. Use a name of its own, or have this one added to "
        f"its setting allowed_hosts."
    )


def given_id(value: bytes) -> str:
    """The caller's own request id; raises `Malformed`."""
    if not _ID.fullmatch(value):
        raise Malformed("Headgate-Id must be 1 to 128 characters out of A-Z a-z 0-9 . _ : / @ + = ~ -")
    return value.decode()


def given_timeout(value: bytes, most: float) -> float:
    """The caller's own timeout in seconds, at most the endpoint's; raises `Malformed` or `DeadlineExceeded`."""
    if not _TIMEOUT.fullmatch(value):
        raise Malformed("Headgate-Timeout-Ms must be a whole number of milliseconds.")
    if int(value) == 0:
        raise DeadlineExceeded("Headgate-Timeout-Ms is 0: the deadline has passed already.")
    return min(int(value) / 1000, most)


def media_type_of(content_type: bytes) -> str:
    """The bare media type, lower case; empty when its text is not in UTF-8."""
    media_type, _, parameters = content_type.lower().partition(b";")
    charset = re.search(rb"charset\s*=\s*\"?([^\s;\"]+)", parameters)
    known = charset is None or charset[1] in (b"utf-8", b"utf8", b"us-ascii")
    return media_type.strip().decode("latin-1") if known else ""


def reply_for(replies: Mapping[str, Reply], accept: bytes) -> Reply:
    """The first format in `Accept` that there is, by its order of preference; the default for all others."""
    wanted: list[tuple[float, str]] = []
    for part in accept.decode("latin-1").lower().split(",")[:16]:
        media_type, _, parameters = part.partition(";")
        quality = re.search(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)", parameters)
        wanted.append((-float(quality[1]) if quality else -1.0, media_type.strip()))
    for weight, media_type in sorted(wanted, key=lambda pair: pair[0]):
        if weight < 0 and media_type in replies:
            return replies[media_type]
        if weight < 0 and media_type in ("*/*", "application/*"):
            break
    return next(iter(replies.values()))


def told(error: HeadgateError) -> HeadgateError:
    """What a client may read of a model's failure: its code, not the words of a framework."""
    if type(error) is ModelError:
        return ModelError("The model failed on this request. The server's log says why.")
    return error


def shown(value: bytes) -> str:
    """A header's value in a message: short and escaped."""
    return ascii(value[:64].decode("latin-1")) if value else "none"
