"""Answers as server-sent events, for models that answer in parts: `part` events, then `end`, or `error` in between.

A part holds the outputs of all rows, `{"predictions": [" word"]}`; text goes on where the part before it ended, numbers
take its place. What is recorded is the whole text, and of numbers those of the last part.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import orjson

from headgate.errors import HeadgateError, error_body
from headgate.serving.formats.format import Array, Body, Encode, Origin
from headgate.serving.formats.texts import Texts, key_of

MEDIA_TYPE = "text/event-stream"


class Events(NamedTuple):
    """How an answer in parts is written; bytes may be empty where nothing is said."""

    part: Callable[[Mapping[str, Array]], bytes]  # raises TypeError or ValueError for what cannot be written
    end: Callable[[str, Sequence[str] | None], bytes]  # request id, and the caller's own row ids
    error: Callable[[HeadgateError, str], bytes]


def part_of(outputs: Mapping[str, Array], start: int = 0, stop: int | None = None) -> bytes:
    """One part as an event; raises TypeError or ValueError for what cannot be written."""
    return b"event: part\ndata: %b\n\n" % object_of(outputs, start, stop)


def object_of(outputs: Mapping[str, Array], start: int = 0, stop: int | None = None) -> bytes:
    """The outputs of some rows as a JSON object; raises TypeError or ValueError for what cannot be written."""
    last = stop if stop is not None else max((len(array) for array in outputs.values()), default=0)
    members = b"".join(key_of(name) + Texts(array).part(start, last) for name, array in outputs.items())
    return b"{%b}" % members[1:]


def end_of(request_id: str, ids: Sequence[str] | None) -> bytes:
    """What says that all has come; carries the ids that records and labels go by."""
    told = {"id": request_id} if ids is None else {"id": request_id, "ids": list(ids)}
    return b"event: end\ndata: %b\n\n" % orjson.dumps(told)


def error_of(error: HeadgateError, request_id: str) -> bytes:
    """What says that no more will come, and why."""
    return b"event: error\ndata: %b\n\n" % orjson.dumps(error_body(error, request_id))


SERVER_SENT = Events(part_of, end_of, error_of)


def whole_encoder(_origin: Origin) -> Encode:
    """For an answer that is all there: one part and the end."""

    def encode(outputs: Mapping[str, Array]) -> Body:
        def body(request_id: str, start: int, stop: int, ids: Sequence[str] | None) -> bytes:
            return part_of(outputs, start, stop) + end_of(request_id, ids)

        return body

    return encode
