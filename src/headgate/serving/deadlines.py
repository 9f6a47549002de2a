"""What a client may let a worker wait for: a request's head, its body, the taking of an answer, the next request.

Kept by one sweep over all connections, by the monotonic clock; no timer belongs to a connection.
"""

import fcntl
import sys
import termios
from typing import Any, Protocol

from headgate.errors import HeadgateError, ReceiptTimeout
from headgate.settings import Settings

LINGER_SECONDS = 2.0


class Transport(Protocol):
    """As much of a connection's transport as is needed here."""

    def get_write_buffer_size(self) -> int: ...
    def get_extra_info(self, name: str) -> Any: ...
    def abort(self) -> None: ...


class Reader(Protocol):
    """What is being received."""

    between: bool
    in_head: bool
    body: bytes | bytearray


class Timed(Protocol):
    """A connection, as far as its deadlines go."""

    transport: Transport
    lingering: bool
    stalled: int  # bytes of answers that the client had not taken when it stopped taking them; 0 while it takes them
    deaf: bool
    receiving: bool

    @property
    def waiting(self) -> int: ...
    def close(self) -> None: ...
    def refuse(self, error: HeadgateError) -> None: ...


def enforce(connection: Timed, reader: Reader, elapsed: float, settings: Settings) -> None:
    """Act when the client has let its deadline pass, `elapsed` seconds after what it is on began."""
    if _is_given_up(connection, elapsed, settings):
        connection.transport.abort()
    elif connection.stalled or connection.deaf:
        return  # the client is taking an answer, or has said all that it will and waits for us
    elif connection.receiving:
        if late := _late(reader, elapsed, settings):
            connection.refuse(late)
    elif not connection.waiting and elapsed > settings.keep_alive_seconds:
        connection.close()


def _is_given_up(connection: Timed, elapsed: float, settings: Settings) -> bool:
    if connection.lingering and not connection.waiting:
        return elapsed > LINGER_SECONDS
    if not connection.stalled:
        return False
    return _too_slow(connection.stalled - unsent(connection.transport), elapsed, settings)


def unsent(transport: Transport) -> int:
    """Bytes of answers that the client has not taken: ours, and those that the kernel has for it."""
    socket = transport.get_extra_info("socket")
    if socket is None or socket.fileno() < 0:
        return transport.get_write_buffer_size()  # closed, which its protocol is told in a moment
    queued = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, bytes(4))
    return transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)


def _late(reader: Reader, elapsed: float, settings: Settings) -> ReceiptTimeout | None:
    if reader.between or reader.in_head:
        seconds = settings.header_seconds
        return ReceiptTimeout(f"The headers were not complete after {seconds:g} s.") if elapsed > seconds else None
    if not _too_slow(len(reader.body), elapsed, settings):
        return None
    return ReceiptTimeout(
        f"The body was not complete after {settings.receive_seconds:g} s, and came with less than "
        f"{settings.slowest_bytes_per_second} bytes a second."
    )


def _too_slow(moved: int, elapsed: float, settings: Settings) -> bool:
    # so that neither a trickle holds on for ever nor a long but steady transfer is cut off
    return elapsed > settings.receive_seconds and moved < elapsed * settings.slowest_bytes_per_second
