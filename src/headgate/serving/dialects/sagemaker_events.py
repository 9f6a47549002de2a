"""Answers in parts as `application/vnd.amazon.eventstream`: JSON lines in `PayloadPart` events.

Source: AWS, "Event stream encoding", and InvokeEndpointWithResponseStream. A message is its length, that of its
headers, a CRC of both, the headers, the payload, and a CRC of all before it.
"""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence

import orjson

from headgate.errors import HeadgateError, ModelError
from headgate.serving.contract import Rows
from headgate.serving.dialects.dialect import Write
from headgate.serving.formats.events import Events, object_of
from headgate.serving.formats.format import Array
from headgate.serving.responses import JSON, Whole

MEDIA_TYPE = "application/vnd.amazon.eventstream"
PART_BYTES = 1 << 20  # clients take messages of up to 16 MB
_PRELUDE, _CRC = struct.Struct(">II"), struct.Struct(">I")
_TEXT = 7  # the type of a header's value
_PART = {":message-type": "event", ":event-type": "PayloadPart", ":content-type": "application/octet-stream"}


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message."""
    head = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = _PRELUDE.pack(len(head) + len(payload) + 16, len(head))
    body = prelude + _CRC.pack(zlib.crc32(prelude)) + head + payload
    return body + _CRC.pack(zlib.crc32(body))


def _header(name: bytes, value: bytes) -> bytes:
    return b"%c%b%c%b%b" % (len(name), name, _TEXT, len(value).to_bytes(2, "big"), value)


def payload_parts(content: bytes) -> bytes:
    """As many events as it takes."""
    pieces = (content[place : place + PART_BYTES] for place in range(0, len(content), PART_BYTES))
    return b"".join(message(_PART, piece) for piece in pieces)


def _part(outputs: Mapping[str, Array]) -> bytes:
    return payload_parts(object_of(outputs) + b"\n")


def _end(_request_id: str, _ids: Sequence[str] | None) -> bytes:
    return b""  # the end of the body says it


def _error(error: HeadgateError, _request_id: str) -> bytes:
    kind = "ModelStreamError" if isinstance(error, ModelError) else "InternalStreamFailure"
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": JSON}
    return message(headers, orjson.dumps({"Message": error.message, "ErrorCode": error.code}))


EVENTS = Events(_part, _end, _error)


def whole_writer(head: bytes) -> Write:
    """For an answer that is all there."""

    def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
        return lambda _id, start, stop, _rows: (head, payload_parts(object_of(outputs, start, stop) + b"\n"))

    return write
