"""W3C Trace Context, level 1: a caller's `traceparent` is taken on, a malformed one begins a new trace.

The answer names our span in `traceresponse`, in the same form, as the draft of the specification's next level has it.
Whoever sends no `traceparent` gets none: the request's own id is enough.
"""

import re
import secrets
from collections.abc import Mapping
from random import getrandbits
from typing import NamedTuple

_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_STATE = re.compile(rb"[\x20-\x7e\t]{1,512}", re.ASCII)
SAMPLED = 1


class Trace(NamedTuple):
    """Where a request stands in its caller's trace."""

    trace_id: str
    span_id: str  # ours
    parent_id: str  # the caller's span; empty where the trace begins here
    sampled: bool
    state: str = ""  # what vendors pass along with the trace

    @property
    def parent(self) -> str:
        """The `traceparent` for whom we call, and the `traceresponse` for who called us."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    @property
    def ids(self) -> str:
        """The ids of the trace and of our span, as records have them."""
        return self.trace_id + self.span_id

    @property
    def line(self) -> bytes:
        """The header line of the answer."""
        return b"traceresponse: %b\r\n" % self.parent.encode()


def trace_of(headers: Mapping[str, bytes]) -> Trace:
    """The trace that the headers ask for; a new one when they cannot be read. Never raises."""
    found = _PARENT.fullmatch(headers["traceparent"].strip(b" \t"))
    if found is None or not _is_valid(found):
        return new_trace(sampled=False)
    _, trace_id, parent_id, flags, _ = (group or b"" for group in found.groups())
    # whoever restarts a trace drops its state; one that is not text is dropped alone
    state = headers.get("tracestate", b"")
    return Trace(
        trace_id.decode(),
        # a name and no secret: the kernel need not be asked for it
        f"{getrandbits(64):016x}",
        parent_id.decode(),
        sampled=bool(int(flags, 16) & SAMPLED),
        state=state.decode() if _STATE.fullmatch(state) else "",
    )


def new_trace(*, sampled: bool) -> Trace:
    """A trace that begins here."""
    return Trace(secrets.token_hex(16), secrets.token_hex(8), "", sampled=sampled)


def _is_valid(found: re.Match[bytes]) -> bool:
    version, trace_id, parent_id, _, more = found.groups()
    # a later version may add fields, ours has none; ff is forbidden, and so are ids of zeros
    return version != b"ff" and not (version == b"00" and more) and bool(trace_id.strip(b"0") and parent_id.strip(b"0"))
