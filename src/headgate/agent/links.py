"""The agent's end of a worker's control socket: lines of reports in, lines of commands out."""

import logging
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from headgate.agent.loop import Loop
from headgate.home import unix_address
from headgate.records import WorkerCommand, WorkerReport

LONGEST_LINE = 16 * 1024 * 1024
logger = logging.getLogger(__name__)
_reports = msgspec.json.Decoder(WorkerReport)


class Lines:
    """Cuts what arrives into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> list[bytes]:
        """The lines that are complete now; raises `ValueError` when one does not end."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise ValueError("a line does not end")
        return [line for line in lines if line]


class WorkerLink:
    """One connection to one worker. It is made anew after every loss; who holds it decides when."""

    def __init__(self, loop: Loop, address: Path, heard: Callable[[WorkerReport], None]) -> None:
        self._loop = loop
        self._address = address
        self._heard = heard
        self._socket: socket.socket | None = None
        self._lines = Lines()

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def connect(self) -> bool:
        """Whether there is a connection now. A worker that starts is not there yet, a hung one has a full queue."""
        if self._socket is not None:
            return True
        link = socket.socket(socket.AF_UNIX)
        link.setblocking(False)
        try:
            link.connect(unix_address(self._address))
        except OSError:
            link.close()
            return False
        self._socket, self._lines = link, Lines()
        self._loop.watch(link, self._read)
        return True

    def send(self, command: WorkerCommand) -> bool:
        """Whether it was sent. One that cannot be sent ends the connection: the worker looks hung."""
        if self._socket is None:
            return False
        line = msgspec.json.encode(command) + b"\n"
        try:
            if self._socket.send(line) == len(line):
                return True
        except OSError as error:
            logger.warning("%s takes no command: %s", self._address.name, error)
        self.close()
        return False

    def close(self) -> None:
        if self._socket is not None:
            self._loop.forget(self._socket)
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        assert self._socket is not None
        try:
            content = self._socket.recv(262_144)
            reports = [_reports.decode(line) for line in self._lines.feed(content)]
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            # msgspec's errors are ValueErrors; what speaks nonsense is connected to anew
            logger.warning("%s does not speak the protocol: %s", self._address.name, error)
            content, reports = b"", []
        if not content:
            self.close()
        for report in reports:
            self._heard(report)
