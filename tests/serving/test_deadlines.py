"""When a connection is given up, asked of what has no socket any more."""

from typing import Any

import pytest

from headgate.errors import HeadgateError
from headgate.serving.deadlines import Transport, enforce, unsent
from headgate.settings import Settings


class Gone:
    """A transport whose socket is closed."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return 7

    def get_extra_info(self, name: str) -> Any:
        return self._socket

    def abort(self) -> None:
        self.aborted = True


class Closed:
    """A socket without a descriptor."""

    def fileno(self) -> int:
        return -1


class Kept:
    """A connection and its reader in one."""

    lingering = deaf = receiving = between = in_head = False
    stalled = waiting = 0
    body: bytes | bytearray = b""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def refuse(self, error: HeadgateError) -> None:
        raise AssertionError(error)


@pytest.mark.parametrize("socket", [None, Closed()])
def test_what_is_closed_already_is_no_fault(socket: Any) -> None:
    transport = Gone(socket)
    assert unsent(transport) == 7
    connection = Kept(transport)
    enforce(connection, connection, 1.0, Settings())
    assert not connection.closed
    enforce(connection, connection, 1000.0, Settings())
    assert connection.closed
    connection.stalled = 10
    enforce(connection, connection, 1000.0, Settings())
    assert transport.aborted
