"""HTTP/1.1 of the data plane: one `asyncio.Protocol` per connection over llhttp's strict parser.

Requests of a connection are answered in their order, also when they were pipelined. No task, timer or log line belongs
to a request: deadlines are kept by one sweep over all connections.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

import httptools

from headgate.errors import HeadersTooLarge, HeadgateError, Malformed, TargetTooLong, TooLarge, Unavailable
from headgate.records import AccessKey
from headgate.serving.body_room import BodyRoom, Held
from headgate.serving.calls import Asking
from headgate.serving.deadlines import enforce, unsent
from headgate.serving.priority import NORMAL
from headgate.serving.remembered_heads import RememberedHeads
from headgate.serving.request_headers import KNOWN, LISTS, find_fault
from headgate.serving.responses import CLOSE, KEEP_ALIVE, Shape, native_error
from headgate.serving.trace import Trace
from headgate.serving.unreadable import unreadable
from headgate.settings import Settings

# what a header costs besides its bytes, so that many tiny ones are bounded too
HEADER_OVERHEAD = 32
# a body up to this size is read whatever the address, so that only large ones need a look at their limit
SMALL_BODY = 64 * 1024
PIPELINED = 64
UNANSWERED = 16  # of a connection, that are worked on at once
# a client that closes its end of the connection has left, unless its answer is ready or being made after so long
LEAVE_SECONDS = 0.05
# bytes beside each byte of a body that a chunked one may take: a chunk of one byte takes five
FRAMING = 8


class Exchange:
    """One request, and the way its answer takes."""

    id = ""
    keep_alive = True
    framing = b""  # the `Connection` line of the answer
    extra = b""  # further lines of its head
    trace: Trace | None = None
    payload = b""  # the answer, while earlier ones are still to come
    priority = NORMAL  # its class
    shape: Shape = staticmethod(native_error)  # of an error
    pieces = b""  # of an answer that is still being made, likewise
    held: Held | None = None  # what a large body takes of the worker's room
    asking: Asking | None = None  # what is being done for it
    signer: AccessKey | None = None  # whose signature it carries

    def __init__(
        self, connection: "Connection", method: bytes, target: bytes, headers: dict[str, bytes], body: bytes | bytearray
    ) -> None:
        self.connection = connection
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.started = time.monotonic()

    def answer(self, head: bytes, body: bytes) -> None:
        """Send status line and headers (each with its line end), then the body."""
        self.connection.answer(self, head, body)

    def begin(self, head: bytes) -> bytes:
        """The head of an answer whose length nobody knows: it comes in chunks, or ends with the connection."""
        if self.framing:
            self.say_close()
        coding = b"" if self.framing else b"Transfer-Encoding: chunked\r\n"
        parts = (head, self.connection._server.date, self.framing, self.extra, self.id.encode(), coding)
        return b"%b%b%b%bHeadgate-Id: %b\r\n%b\r\n" % parts

    def send_piece(self, piece: bytes, *, last: bool) -> None:
        """Send a piece of such an answer, or keep it until all earlier answers have been sent."""
        self.connection._send_piece(self, piece, last)

    def say_close(self) -> None:
        """This is the last request of its connection, and its answer says so."""
        self.keep_alive = False
        self.framing = CLOSE


Handle = Callable[[Exchange], None]


class Server:
    """What the connections of one worker share."""

    def __init__(
        self,
        settings: Settings,
        hosts: Iterable[str],
        turn_away: Callable[[Exchange, HeadgateError], None],
        handle: Handle,
        body_limit: Callable[[bytes], int],
        closed: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.turn_away = turn_away  # answers what cannot be read
        self.handle = handle
        self.body_limit = body_limit
        self.closed = closed  # called once for every connection
        self.hosts = frozenset(host.encode() for host in hosts)  # what `Host` may carry, in lower case
        self.connections: set[Connection] = set()
        self.heads = RememberedHeads()
        self.room = BodyRoom(settings.max_received_bytes)
        self.draining = False
        self.requests = 0
        self.now = time.monotonic()  # as of the last sweep: exact enough for deadlines of seconds
        self.date = b""
        self.sweep()

    def connection(self) -> "Connection":
        """The protocol for a newly accepted socket."""
        return Connection(self)

    @property
    def in_flight(self) -> int:
        """Requests that are not answered yet."""
        return sum(connection.waiting for connection in self.connections)

    def sweep(self) -> None:
        """Close what has been silent for too long; called every quarter of a second or so."""
        self.now = time.monotonic()
        self.date = f"Date: {formatdate(usegmt=True)}\r\n".encode()
        for connection in tuple(self.connections):
            connection.check_deadline(self.now)

    def close_idle(self) -> None:
        """Close the connections on which nothing is asked; the end of draining."""
        for connection in tuple(self.connections):
            if not connection.waiting:
                connection.close()


class RequestReader:
    """What llhttp calls: one request after the other, within the limits."""

    def __init__(self, server: Server, take: Callable[[Exchange], None], connection: "Connection") -> None:
        self._server = server
        self._take = take
        self._connection = connection
        self._parser: Any = httptools.HttpRequestParser(self)
        self.fault: HeadgateError | None = None
        self.between = True  # no byte of the next request has come
        self.in_head = False
        self.last: Exchange | None = None  # the newest complete request, until it is forgotten
        self.body: bytes | bytearray = b""
        self._held: Held | None = None

    def feed(self, data: bytes) -> None:
        """Parse; raises what httptools raises, with `fault` set where the refusal is ours."""
        self._parser.feed_data(data)

    def close(self) -> None:
        # the parser holds our methods: let the pair go now, not at the next collection; and what a body takes
        self._parser = self._held = self.last = None
        self.body = b""

    def on_message_begin(self) -> None:
        self.between = False
        self.in_head = True
        self._target = b""
        self._headers: dict[str, bytes] = {}
        self.body = b""
        self._pieces = 0
        self._header_room = self._server.settings.max_header_bytes

    def on_url(self, part: bytes) -> None:
        self._target += part
        if len(self._target) > self._server.settings.max_target_bytes:
            self._stop(TargetTooLong(f"The target is over {self._server.settings.max_target_bytes} bytes."))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_room -= len(name) + len(value) + HEADER_OVERHEAD
        if self._header_room < 0:
            self._stop(HeadersTooLarge(f"The headers are over {self._server.settings.max_header_bytes} bytes."))
        known = KNOWN.get(name) or KNOWN.get(name.lower())
        # after the body come trailers, which nobody may use to say something else
        if known is not None and self.in_head:
            if known in self._headers:
                value = self._joined(known, value)
            self._headers[known] = value.rstrip(b" \t")  # the parser takes off what stands before it

    def on_headers_complete(self) -> None:
        self.in_head = False
        headers = self._headers
        if fault := find_fault(headers, self._server.hosts):
            self._stop(fault)
        if "content-length" in headers and len(headers["content-length"]) > 4:
            self._check_size(int(headers["content-length"]))
        if "expect" in headers and self._parser.get_http_version() != "1.0":
            self._connection.tell_to_continue()

    def on_body(self, part: bytes) -> None:
        if not self.body and len(part) <= SMALL_BODY:
            self.body = part
            return
        if not isinstance(self.body, bytearray):
            self.body = bytearray(self.body)
            self._held = self._server.room.enter()
        if self._held is not None and not self._held.grow(len(part)):
            self._stop(Unavailable("Too many large bodies are being received. Try again soon.", retry_after=1))
        self.body += part
        self._check_size(len(self.body))
        self._pieces += 1
        if self._pieces > 4096 and len(self.body) < 16 * self._pieces:
            self._stop(Malformed("The body came in too many tiny chunks."))

    def on_message_complete(self) -> None:
        parser = self._parser
        exchange = Exchange(self._connection, parser.get_method(), self._target, self._headers, self.body)
        if self._held is not None:
            exchange.held, self._held, self.body = self._held, None, b""
        # what follows an Upgrade or a CONNECT is not read
        if not parser.should_keep_alive() or parser.should_upgrade():
            exchange.say_close()
        # every other version than 1.1 closes, or says that it does not
        if not exchange.keep_alive or "connection" in self._headers or "transfer-encoding" in self._headers:
            self._check_version(exchange)
        self.between = True
        self.last = exchange
        self._take(exchange)

    def _check_version(self, exchange: Exchange) -> None:
        version = self._parser.get_http_version()
        if version == "1.0" and "transfer-encoding" not in exchange.headers:
            exchange.framing = KEEP_ALIVE if exchange.keep_alive else CLOSE
        elif version != "1.1":
            self._stop(Malformed(f"Expected HTTP/1.1, or 1.0 without Transfer-Encoding, got {version}. Send HTTP/1.1."))

    def _joined(self, name: str, value: bytes) -> bytes:
        if name not in LISTS:
            self._stop(Malformed(f"Expected the header {name} once, got it twice. Send one of them."))
        return self._headers[name] + b", " + value

    def _check_size(self, size: int) -> None:
        if size > SMALL_BODY and size > (limit := self._server.body_limit(self._target)):
            self._stop(TooLarge(f"The body is over {limit} bytes."))

    def _stop(self, error: HeadgateError) -> None:
        """Leave the parser."""
        self.fault = error
        raise error


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._reader = RequestReader(server, self._take, self)
        self._pending: deque[Exchange] = deque()
        self._later: deque[Exchange] = deque()  # not even begun
        self._beginning = False
        self.transport: Any = None
        self.deaf = False  # nothing that still comes is read
        self.lingering = False
        self.stalled = 0  # bytes of answers that the client had not taken when it stopped taking them
        self._since = server.now  # beginning of what the deadline is on
        self.receiving = True  # a request is expected or has begun, and is not complete
        self._bytes = 0  # of an unfinished request, after the first

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._server.closed()
        left = tuple(self._pending)
        self._pending.clear()
        self._later.clear()
        self.deaf = True
        self._reader.close()
        for exchange in left:
            if exchange.asking is not None:
                exchange.asking.leave()
                exchange.asking = None  # or the two would hold each other, and what the body takes

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        fresh = self._reader.between
        if fresh and (found := self._server.heads.find(data)) is not None:
            head, body = found
            self._take(Exchange(self, head.method, head.target, head.headers, body))
            return
        self._parse(data, fresh)

    def _parse(self, data: bytes, fresh: bool) -> None:
        reader = self._reader
        try:
            reader.feed(data)
        except httptools.HttpParserUpgrade:
            # the request has been answered as plain HTTP/1.1; what follows it is another protocol
            self.deaf = True
        except httptools.HttpParserError as error:
            if not self.deaf:  # else the last request has its answer, and nothing is said after that
                self.refuse(reader.fault or unreadable(error, data))
        else:
            if not reader.between:
                self._expect_rest(len(data))
            elif fresh and reader.last is not None and not reader.last.framing:
                self._server.heads.keep(data, reader.last)
            reader.last = None

    def eof_received(self) -> bool:
        # whoever has sent all of its requests may still wait for answers, but has rather left
        if not (self._reader.between or self.deaf):
            self.refuse(Malformed("The client stopped sending before the request was whole."))
        self.deaf = True
        if self._pending:
            self._pending[-1].say_close()
            asyncio.get_running_loop().call_later(LEAVE_SECONDS, self._leave)
        return bool(self._pending) and self.transport.can_write_eof()

    def _leave(self) -> None:
        """Give up what has not begun for a client that has sent all it will."""
        asked = [exchange.asking for exchange in self._pending if exchange.asking is not None]
        if asked and not any(asking.has_begun() for asking in asked):
            self.transport.abort()

    def pause_writing(self) -> None:
        self.stalled = unsent(self.transport)
        self._since = self._server.now
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.stalled = 0
        self._since = self._server.now
        self._catch_up()

    def tell_to_continue(self) -> None:
        """Send for the body, unless answers are still to come: it would be taken for one of them."""
        if not (self._pending or self.deaf):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def answer(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Send an answer, or keep it until all earlier ones have been sent."""
        pending, server = self._pending, self._server
        if not pending:
            return  # the client has gone
        if server.draining and pending[-1] is exchange:
            exchange.say_close()
            self.deaf = True
        payload = b"%b%b%b%bHeadgate-Id: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            head, server.date, exchange.framing, exchange.extra, exchange.id.encode(), len(body), body,
        )  # fmt: skip
        if exchange.method == b"HEAD":
            payload = payload[: len(payload) - len(body)]
        if pending[0] is not exchange:
            exchange.payload = payload
            return
        pending.popleft()
        self._send(payload)
        if exchange.keep_alive and not pending:
            self._since = server.now
        else:
            self._go_on(exchange)

    def _send_piece(self, exchange: Exchange, piece: bytes, last: bool) -> None:
        exchange.pieces += piece
        if not self._pending or self._pending[0] is not exchange:
            exchange.payload = exchange.pieces if last else b""
            return
        piece, exchange.pieces = exchange.pieces, b""
        self._send(piece)
        if last:
            self._since = self._server.now
            self._pending.popleft()
            self._go_on(exchange)

    def close(self) -> None:
        """End the connection once what was written has been sent."""
        self.deaf = True
        self.transport.close()

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return len(self._pending)

    def check_deadline(self, now: float) -> None:
        """Act when the client has let its deadline pass."""
        enforce(self, self._reader, now - self._since, self._server.settings)

    def _take(self, exchange: Exchange) -> None:
        """A request is complete."""
        if self.deaf:
            return  # it came behind the last one
        self.receiving = False
        self._pending.append(exchange)
        self._server.requests += 1
        if self.stalled or self._later or len(self._pending) > UNANSWERED:
            # an answer can be far larger than its request, and the client takes none now, or has many to come
            self._later.append(exchange)
            if len(self._pending) > PIPELINED:
                self.transport.pause_reading()
        else:
            self._server.handle(exchange)

    def _go_on(self, sent: Exchange) -> None:
        """After an answer: send those that waited for it, end the connection where it was the last."""
        while sent.keep_alive and self._pending and self._pending[0].payload:
            sent = self._pending.popleft()
            self._send(sent.payload)
        if not sent.keep_alive:
            self._finish()
            return
        self._catch_up()

    def _catch_up(self) -> None:
        """Begin what had to wait, as far as answers are taken, and read on."""
        if self._beginning:
            return  # what is answered at once comes back here
        self._beginning = True
        while self._later and not self.stalled and len(self._pending) - len(self._later) < UNANSWERED:
            self._server.handle(self._later.popleft())
        self._beginning = False
        if not (self.stalled or len(self._pending) >= PIPELINED or self.transport.is_closing()):
            self.transport.resume_reading()

    def _send(self, payload: bytes) -> None:
        if self.stalled:
            self.stalled += len(payload)
        self.transport.write(payload)

    def _finish(self) -> None:
        self.deaf = True
        self._pending.clear()
        self._later.clear()
        if self.lingering and self.transport.can_write_eof():
            # closing with unread bytes would reset the connection and could destroy the answer on its way;
            # the end of a TLS connection is said and waited for in any case
            self._since = self._server.now
            self.transport.write_eof()
        else:
            self.transport.close()

    def _expect_rest(self, size: int) -> None:
        if not self.receiving:
            # other requests have come with its beginning
            self.receiving = True
            self._bytes = 0
            self._since = self._server.now
            return
        # what never ends reaches no callback, a name or what stands beside a chunk: bound what has come altogether
        self._bytes += size
        settings = self._server.settings
        if self._bytes > settings.max_header_bytes + settings.max_target_bytes + FRAMING * len(self._reader.body):
            self.refuse(
                HeadersTooLarge(f"Headers, or what chunks say besides, are over {settings.max_header_bytes} bytes.")
            )

    def refuse(self, error: HeadgateError) -> None:
        """Answer what cannot be read, after all that could be, and close."""
        self.deaf = True
        self._reader.close()
        if self._pending and not self._pending[-1].keep_alive:
            return
        exchange = Exchange(self, b"", b"", {}, b"")
        exchange.say_close()
        self.lingering = True
        self._pending.append(exchange)
        self._server.turn_away(exchange, error)
