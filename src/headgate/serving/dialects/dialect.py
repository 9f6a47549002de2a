"""The contract of a dialect: one wire protocol over the same predictions.

A dialect says at which addresses it is spoken, turns a body into rows and outputs into an answer, writes errors, and
tells what its clients may ask besides predictions. It knows neither other dialects nor how requests are routed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from headgate.errors import HeadgateError, NotFound
from headgate.metering.series_file import Totals
from headgate.records import Column, RouteTable
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.events import Events
from headgate.serving.formats.format import Array, Decode, Encode, Headers, Origin
from headgate.serving.responses import Whole
from headgate.settings import Settings

# outputs of all rows of a batch → the answers of its callers: request id, start and stop of the caller's rows, and what
# it sent → head and body; raises TypeError or ValueError for what cannot be written
Write = Callable[[Mapping[str, Array]], Callable[[str, int, int, Rows], Whole]]
PREDICT = "predict"
STREAM = "stream"  # predict, and answer in parts


class Route(NamedTuple):
    """An address of a dialect, and what is done there; what is not public needs a key wherever keys are required.

    In the path stand `{endpoint}`, and `{version}` or `{label}`, for what clients write there. A path without
    `{endpoint}` that needs one means the default endpoint.
    """

    method: str
    path: str
    does: str  # PREDICT, STREAM, or what `tell` is asked for
    public: bool = False
    any_case: bool = False  # in the words of the path


class Absent(NamedTuple):
    """What a client asks for and is not there."""

    endpoint: str
    version: str


def absent_in(error: HeadgateError) -> Absent | None:
    """The endpoint or version that an error is about, where it says that there is none."""
    if not isinstance(error, NotFound) or not error.detail or "endpoint" not in error.detail[0]:
        return None
    return Absent(error.detail[0]["endpoint"][:128], error.detail[0].get("version", ""))


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint that answers or is on its way to it, as far as its clients may know it."""

    table: RouteTable
    outputs: tuple[Column, ...]  # of the version that answers; none while it is being loaded
    ready: bool

    @property
    def name(self) -> str:
        """Its own."""
        return self.table.endpoint

    @property
    def versions(self) -> list[str]:
        """The numbers of the versions that stand behind it, the stable one first."""
        return [variant.version.rpartition(":")[2] for variant in self.table.variants]

    def version_of(self, wanted: str) -> str:
        """The number of the version that has this number, an alias or a role of that name; raises `NotFound`."""
        variant = self.table.variant_named(wanted)
        if variant is not None:
            return variant.version.rpartition(":")[2]
        raise NotFound(
            f"No version {wanted[:64]!r} stands behind this endpoint; there are: {', '.join(self.versions)}.",
            detail=[{"endpoint": self.name, "version": wanted[:64]}],
        )


class Node(Protocol):
    """What a dialect may tell of the whole."""

    @property
    def name(self) -> str:
        """What this server calls itself."""
        ...

    @property
    def ready(self) -> bool:
        """Does every endpoint answer?"""
        ...

    @property
    def guarded(self) -> bool:
        """Do predictions need a key?"""
        ...

    def totals(self) -> Totals:
        """What all workers have counted."""
        ...

    def endpoints(self) -> Sequence[Shown]:
        """Those that the caller may ask."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks besides a prediction."""

    does: str
    endpoint: Shown | None  # that the path names, or the default one where there is one
    version: str  # that the path names
    headers: Headers
    body: bytes | bytearray
    query: Mapping[str, str]


class Dialect(Protocol):
    """One wire protocol."""

    name: str  # its addresses are also reached under "/name"
    routes: tuple[Route, ...]
    # headers that it reads, in lower case
    headers: tuple[str, ...]
    # bodies up to this size are decoded on the event loop, larger ones in a thread
    inline_bytes: float

    def decoder(self, contract: Contract) -> Decode:
        """A decoder compiled for one contract."""
        ...

    def encoder(self, origin: Origin) -> Write:
        """An encoder compiled for one version behind one endpoint."""
        ...

    def error(self, error: HeadgateError, request_id: str) -> Whole:
        """How it writes an error."""
        ...

    def tell(self, question: Question, node: Node) -> Whole:
        """Answer what is no prediction; raises what refuses it."""
        ...


@runtime_checkable
class Configured(Protocol):
    """A dialect that has settings of its own."""

    def configure(self, settings: Settings) -> None:
        """Take them, once, before anything is spoken."""
        ...


class Directions(NamedTuple):
    """What the headers of a predict request ask for besides the prediction."""

    version: str = ""  # which version is to answer: its number, or its role
    id: str = ""  # of the request
    head: bytes = b""  # further lines of the answer's head


@runtime_checkable
class Directing(Protocol):
    """A dialect whose clients direct a prediction by headers."""

    def direct(self, endpoint: str, headers: Headers) -> Directions:
        """What they ask for; raises what refuses it."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A dialect that answers in parts too, at its routes that do STREAM."""

    def stream(self, origin: Origin) -> tuple[bytes, Write, Events]:
        """The head of an answer in parts, an encoder of one that is all there, and how parts are written."""
        ...


def headed(head: bytes, encode: Encode) -> Write:
    """A format whose answers all begin with the same head."""

    def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
        body = encode(outputs)

        def whole(request_id: str, start: int, stop: int, rows: Rows) -> Whole:
            return head, body(request_id, start, stop, rows.ids)

        return whole

    return write
