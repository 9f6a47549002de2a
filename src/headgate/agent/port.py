"""The listening socket of the data plane: taken over from an orphaned worker, inherited, or bound."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from headgate.errors import Conflict, Unreachable
from headgate.home import unix_address
from headgate.records import HandOver
from headgate.settings import Settings, check_exposure

BACKLOG = 1024
FIRST_PASSED = 3  # systemd's protocol: LISTEN_FDS descriptors from 3 on, meant for LISTEN_PID
HAND_OVER_SECONDS = 2.0
MARK = b'"hand_over"'


def inherited(environment: Mapping[str, str]) -> socket.socket | None:
    """The socket that a supervisor above us (systemd, a container runtime) has bound already."""
    if environment.get("LISTEN_PID", str(os.getpid())) != str(os.getpid()):
        return None
    if environment.get("LISTEN_FDS", "") in ("", "0"):
        return None
    return _ours(socket.socket(fileno=FIRST_PASSED))


def adopted(address: Path, wanted_port: int) -> socket.socket | None:
    """The socket that the worker behind this control socket listens on: one accept queue, so nothing in it is lost.

    None when it listens on another port than the one wanted (0 takes any). Raises `Unreachable` when it is deaf.
    """
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(HAND_OVER_SECONDS)
    with link:
        try:
            link.connect(unix_address(address))
            link.sendall(msgspec.json.encode(HandOver()) + b"\n")
            listener = _receive(link)
        except OSError as error:
            raise Unreachable(f"Expected the listening socket from {address.name}, got: {error}.") from error
    if wanted_port in (0, port_of(listener)):
        return listener
    listener.close()
    return None


def check_free(host: str, port: int, flag: str) -> None:
    """Raises `Conflict`, with the flag that chooses another port, when nobody can listen there now."""
    with _explained(host, port, flag):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)


def bound(host: str, port: int) -> socket.socket:
    """Bind and listen, ready for successors (SO_REUSEPORT). Raises `Conflict` when somebody else is there."""
    # with SO_REUSEPORT alone we would silently share the port with another instance of the same user
    check_free(host, port, "--port")
    with _explained(host, port, "--port"):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    return _ours(listener)


def reserved(host: str, port: int) -> socket.socket:
    """A port that workers bind and listen on themselves, kept from everybody else while this socket is open.

    Raises `Conflict` when another user is there; whether one of ours is, `check_free` tells.
    """
    with _explained(host, port, "--grpc-port"):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        keeper = socket.socket(family, kind, protocol)
        # shared with those who listen there; it never does so itself, and gets no connection
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        keeper.bind(address)
    return keeper


def guard(settings: Settings, listener: socket.socket) -> None:
    """Nothing listens beyond loopback without authentication and something that terminates TLS; raises `Refused`."""
    # what an inherited socket listens on is not what the settings say
    address = listener.getsockname()[0].partition("%")[0]
    check_exposure(msgspec.structs.replace(settings, host=address))


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


@contextmanager
def _explained(host: str, port: int, flag: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Conflict(
            f"Expected to listen on {host} port {port}, got: {error.strerror or error}. "
            f"Stop what listens there, or choose another with {flag}."
        ) from error


def _receive(link: socket.socket) -> socket.socket:
    """Read reports until the descriptor arrives beside one of the lines."""
    while True:
        content, descriptors, _, _ = socket.recv_fds(link, 65_536, 1)
        if descriptors:
            for surplus in descriptors[1:]:
                os.close(surplus)
            return _ours(socket.socket(fileno=descriptors[0]))
        if not content or MARK in content:
            raise ConnectionError("no descriptor came")


def _ours(listener: socket.socket) -> socket.socket:
    listener.setblocking(False)
    listener.set_inheritable(False)
    with suppress(OSError):
        # raises the backlog of an inherited socket; a socket that listens stays listening
        listener.listen(BACKLOG)
    return listener
