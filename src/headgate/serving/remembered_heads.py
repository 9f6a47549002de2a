"""Clients repeat themselves: a head that was parsed and found good need not be parsed when the same bytes come again.

A head is everything up to the empty line. It is remembered by its exact bytes, when its request came whole and alone in
one piece, and it is used only for what begins a request and has the whole body behind it: then llhttp, which was given
the same bytes in the same state, would say the same again.
"""

from typing import NamedTuple, Protocol

END = b"\r\n\r\n"
HEADS, HEAD_BYTES, BODY_BYTES = 1024, 2048, 64 * 1024
# heads with one of these say something about this request or connection alone
_SINGULAR = frozenset(
    {"connection", "transfer-encoding", "expect", "upgrade", "headgate-id", "traceparent", "x-amz-date"}
)


class Parsed(Protocol):
    """A request that was parsed."""

    method: bytes
    target: bytes
    headers: dict[str, bytes]
    body: bytes | bytearray


class Head(NamedTuple):
    """What a head says."""

    method: bytes
    target: bytes
    headers: dict[str, bytes]
    length: int  # of the body


class RememberedHeads:
    """The heads of one worker's requests; when there are too many all are forgotten."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body of `data`, if it is one whole request whose head is known."""
        end = data.find(END) + len(END)
        head = self._heads.get(data[:end])
        if head is None or len(data) - end != head.length:
            return None
        return head, data[end:]

    def keep(self, data: bytes, parsed: Parsed) -> None:
        """Remember the head, if `data` is exactly that request and another one may say the same."""
        end = data.find(END) + len(END)
        if (
            end <= HEAD_BYTES
            and len(data) - end == len(parsed.body) <= BODY_BYTES
            and data.startswith(parsed.method)
            and ("content-length" in parsed.headers or not parsed.body)
            and not _SINGULAR & parsed.headers.keys()
        ):
            if len(self._heads) >= HEADS:
                self._heads.clear()
            self._heads[data[:end]] = Head(parsed.method, parsed.target, parsed.headers, len(parsed.body))
