"""Bodies of HTML forms: the content of one field, urlencoded or multipart, found in one pass and never unpacked twice.

Source: RFC 7578 and the URL standard, "application/x-www-form-urlencoded".
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from headgate.errors import Malformed

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
FIELD_HEAD = 2048  # bytes of the headers of one part
_BOUNDARY = re.compile(rb'(?i)boundary="?([^";,\s]{1,70})')


class Field(NamedTuple):
    """A field of a form."""

    content: bytes
    content_type: bytes  # empty where the form says none


def urlencoded_field(body: bytes, name: str) -> Field | None:
    """The first field of that name; None where there is none, as in JSON that curl calls a form."""
    start = f"{name}=".encode()
    if not body.startswith(start) and b"&" + start not in body:
        return None
    content = next(pair for pair in body.split(b"&") if pair.startswith(start)).removeprefix(start)
    return Field(unquote_to_bytes(content.replace(b"+", b" ")), b"")


def multipart_field(body: bytes, content_type: bytes, name: str) -> Field:
    """The first field of that name; raises `Malformed` where the form has none."""
    boundary = _BOUNDARY.search(content_type[:FIELD_HEAD])
    if boundary is None:
        raise Malformed("Expected multipart/form-data with a boundary, got none. Let your client write the header.")
    # the first boundary needs no line end before it
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1])
    for part in parts[1:-1]:
        end = part.find(b"\r\n\r\n", 0, FIELD_HEAD)
        if end >= 0 and _disposition_of(part[:end], name):
            return Field(part[end + 4 :], _content_type_of(part[:end]))
    raise Malformed(f"Expected a field {name!r} in the form, got none: each field ends with the boundary.")


def _disposition_of(head: bytes, name: str) -> bool:
    lines = (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-disposition:"))
    wanted = (f'name="{name}"'.encode(), f"name={name}".encode())
    return any(word.strip() in wanted for line in lines for word in line.split(b";"))


def _content_type_of(head: bytes) -> bytes:
    lines = (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type:"))
    return next((line.partition(b":")[2].strip() for line in lines), b"")
