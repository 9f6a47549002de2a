"""Which headers are read, and what those of a predict request ask for when it is anything out of the ordinary."""

import re
from collections.abc import Mapping
from typing import TypeVar

from headgate.errors import DeadlineExceeded, HeadgateError, Malformed, ModelError, UnsupportedType
from headgate.serving.dialects.dialect import Decode

# the headers that anybody here reads; all but lists may come once
NAMES = (
    "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "accept", "authorization",
    "connection", "expect", "upgrade", "headgate-id", "headgate-key", "headgate-timeout-ms", "headgate-variant",
    "traceparent", "tracestate",
)  # fmt: skip
# `traceparent` is none: two of them make one that is not valid, which begins a new trace
LISTS = ("accept", "connection", "traceparent", "tracestate")
KNOWN = {spelling.encode(): name for name in NAMES for spelling in (name, name.title())}
Reply = TypeVar("Reply")
_ID = re.compile(rb"[A-Za-z0-9._:/@+=~-]{1,128}", re.ASCII)
_TIMEOUT = re.compile(rb"[0-9]{1,9}", re.ASCII)


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


def decoder_for(decoders: Mapping[bytes, Decode], headers: Mapping[str, bytes]) -> Decode:
    """The decoder by media type alone; raises `UnsupportedType` naming what is accepted."""
    encoding = headers.get("content-encoding", b"identity")
    value = headers.get("content-type", b"")
    media_type, _, parameters = value.lower().partition(b";")
    charset = re.search(rb"charset\s*=\s*\"?([^\s;\"]+)", parameters)
    decode = decoders.get(media_type.strip())
    if decode is None or (charset is not None and charset[1] not in (b"utf-8", b"utf8", b"us-ascii")):
        accepted = ", ".join(media_type.decode() for media_type in decoders)
        raise UnsupportedType(f"Expected a Content-Type out of: {accepted} (in UTF-8). Got {shown(value)}.")
    if encoding.lower() != b"identity":
        raise UnsupportedType(f"Bodies are taken as they are, got Content-Encoding {shown(encoding)}.")
    return decode


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
