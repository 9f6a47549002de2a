"""Bodies that are not plain: compressed ones, every format but the first, and those whose values are watched.

Whatever may take long is read in a thread. A plain body never comes here: its decoder is found at once.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from headgate.errors import ClientLeft, DeadlineExceeded, Unavailable, UnsupportedType
from headgate.records import Limits
from headgate.serving.admission import Gate, leave_all
from headgate.serving.contract import Contract, Rows
from headgate.serving.encodings import IDENTITY, Expand, expander
from headgate.serving.formats.format import NO_HEADERS, Decode, Format, Headers
from headgate.serving.formats.library import Library
from headgate.serving.formats.registry import is_installed
from headgate.serving.refusals import Refusals, Refused
from headgate.serving.request_headers import media_type_of, shown
from headgate.serving.value_policies import Unusual, UnusualCounts, Watch, header_line

# bodies of one endpoint that are read in threads or wait for one
MAX_READING = 64
ALWAYS = float("inf")
ANY = ""  # the media type of a reader that takes whatever its clients call what they send

# the rows, and what is unusual about them
Read = tuple[Rows, Sequence[Unusual]]
# the rows, and header lines for the answer; raises what refuses the body
Result = Callable[[], tuple[Rows, bytes]]


class Request(Protocol):
    """What is read of a request."""

    headers: dict[str, bytes]
    body: bytes | bytearray
    started: float


@dataclass(frozen=True, slots=True)
class Reader:
    """One format of bodies: how it is read, up to which size on the event loop."""

    decode: Decode
    inline_bytes: float
    foreign: bool = False  # read by another process, which may hang


# bare media type → reader
Readers = Mapping[str, Reader]


class Threads(NamedTuple):
    """Where bodies are read; those that another process reads must not hold up the rest."""

    own: Executor
    foreign: Executor


class Policies(NamedTuple):
    """What becomes of values that training did not see."""

    watch: Watch | None
    counts: UnusualCounts


class Reading:
    """A request whose body is being read, as long as its client is there."""

    def __init__(self, request: Refused, gates: Sequence[Gate], refusals: Refusals) -> None:
        self.gates = tuple(gates)  # that it has passed
        self._request = request
        self._refusals = refusals
        self.left = False

    def leave(self) -> None:
        """The client has gone: nobody needs what is being read."""
        self.left = True
        leave_all(self.gates)
        self._refusals.tell(self._request, ClientLeft())

    def has_begun(self) -> bool:
        """Is the work on it under way?"""
        return True


class Bodies:
    """Reads the bodies of one endpoint. For one event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        threads: Threads,
        limits: Limits,
        policies: Policies,
    ) -> None:
        self._loop = loop
        self._threads = threads
        self._limits = limits
        self._watch, self._counts = policies
        self._reading = 0

    @property
    def busy(self) -> bool:
        """Is anything being read?"""
        return self._reading > 0

    def read(self, readers: Readers, request: Request, take: Callable[[Result], None]) -> None:
        """Hand what the body holds to `take`, now or soon; raises `UnsupportedType` or `Unavailable`."""
        form = _choose(readers, request.headers.get("content-type", b""))
        expand = expander(request.headers.get("content-encoding", IDENTITY))
        if expand is None and len(request.body) <= form.inline_bytes:
            take(partial(self._told, partial(self._decode, form, request.body, request.headers)))
            return
        self._make_room()
        threads = self._threads.foreign if form.foreign else self._threads.own
        work = self._loop.run_in_executor(threads, self._work, form, expand, request)
        work.add_done_callback(partial(self._done, take))

    def await_library(self, library: Library, read: tuple[Rows, bytes], take: Callable[[Result], None]) -> None:
        """Hand what has been read to `take` once answers can be written; raises `Unavailable`."""
        self._make_room()

        def load() -> tuple[Rows, bytes]:
            library.load()
            return read

        def done(work: "asyncio.Future[tuple[Rows, bytes]]") -> None:
            self._reading -= 1
            take(work.result)

        self._loop.run_in_executor(self._threads.own, load).add_done_callback(done)

    def _make_room(self) -> None:
        if self._reading >= MAX_READING:
            raise Unavailable(f"{MAX_READING} bodies are being read for this endpoint already.", retry_after=1.0)
        self._reading += 1

    def _work(self, form: Reader, expand: Expand | None, request: Request) -> Read:
        if request.started + self._limits.timeout_ms / 1000 < time.monotonic():
            raise DeadlineExceeded("The deadline passed before the body was read.")
        body = request.body if expand is None else expand(request.body, self._limits.max_body_bytes)
        return self._decode(form, body, request.headers)

    def _decode(self, form: Reader, body: bytes | bytearray, headers: Headers) -> Read:
        rows = form.decode(body, headers)
        return rows, () if self._watch is None else self._watch(rows)

    def _done(self, take: Callable[[Result], None], work: "asyncio.Future[Read]") -> None:
        self._reading -= 1
        work.exception()  # is seen now: what nobody asks for is logged by asyncio, with all that it quotes of the body
        take(partial(self._told, work.result))

    def _told(self, read: Callable[[], Read]) -> tuple[Rows, bytes]:
        """On the event loop again: count what is unusual and say so."""
        rows, unusual = read()
        if not unusual:
            return rows, b""
        self._counts.add(unusual)
        return rows, header_line(unusual)


def _choose(readers: Readers, content_type: bytes) -> Reader:
    found = readers.get(media_type_of(content_type)) or readers.get(ANY)
    if found is None:
        accepted = ", ".join(readers)
        raise UnsupportedType(f"Expected a Content-Type out of: {accepted} (in UTF-8). Got {shown(content_type)}.")
    return found


def readers_of(formats: Sequence[Format], contract: Contract) -> dict[str, Reader]:
    """Media type → how bodies of it are read for one contract."""
    return {form.media_type: _reader_of(form, contract) for form in formats}


def plain_decoders(readers: Readers) -> dict[bytes, Decode]:
    """Media type → decoder, of the formats that are always decoded on the event loop."""
    return {name.encode(): form.decode for name, form in readers.items() if form.inline_bytes == ALWAYS}


def _reader_of(form: Format, contract: Contract) -> Reader:
    if is_installed(form):
        return Reader(form.decoder(contract), form.inline_bytes, foreign=bool(form.library))

    def refuse(_body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
        raise UnsupportedType(
            f"Reading {form.media_type} needs {form.library} on the server: "
            f"install headgate[{form.extra}] there, or send application/json."
        )

    return Reader(refuse, ALWAYS)
