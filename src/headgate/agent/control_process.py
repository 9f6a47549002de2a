"""The control plane of this machine, kept alive. Nothing in the data plane waits for it."""

import logging
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from headgate.agent.control_health import HANG_SECONDS, ControlHealth
from headgate.agent.launcher import Launcher, Programs
from headgate.agent.logs import last_words, log_size
from headgate.agent.loop import Loop, Timer
from headgate.agent.pace import Backoff
from headgate.errors import HeadgateError

if TYPE_CHECKING:
    from headgate.agent.process import Process

logger = logging.getLogger(__name__)

LOG = "control"
PID_FILE = "control.json"


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """As much of `run/control.json` as is needed here."""

    pid: int


_announced = msgspec.json.Decoder(Announced)


class ControlProcess:
    """One control plane process after another, with growing pauses while it keeps ending."""

    def __init__(self, loop: Loop, launcher: Launcher, programs: Programs, silent: Callable[[], bool]) -> None:
        self._loop = loop
        self._launcher = launcher
        self._home = launcher.home
        self._command = programs.control
        # whether nobody answers; blocks
        self._silent = silent
        self._process: Process | None = None
        self._health: ControlHealth | None = None
        self._hung = False
        self._backoff = Backoff()
        self._began = 0.0
        self._log_start = 0
        self._timer: Timer | None = None
        self._stopping = False
        self.restarts = 0
        self.trouble = ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def gone(self) -> bool:
        return self._process is None

    @property
    def announced(self) -> bool:
        """Whether the one that runs has said where it answers: until then `credentials` may be of another instance."""
        try:
            found = _announced.decode((self._home.run / PID_FILE).read_bytes())
        except (OSError, ValueError):
            return False
        return found.pid == self.pid

    def start(self) -> None:
        self._began = self._loop.now()
        self._log_start = log_size(self._home, LOG)
        try:
            process = self._launcher.start(LOG, self._command, decides=True)
        except HeadgateError as error:
            self._again(error.message)
            return
        self._process, self._hung = process, False
        self._health = ControlHealth(self._loop, lambda: self.announced, self._silent, self._end_hung)
        self._loop.watch(process, self._ended)

    def stop(self) -> None:
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        if self._health is not None:
            self._health.end()
        if self._process is not None:
            self._process.send(signal.SIGTERM)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send(signal.SIGKILL)

    def _end_hung(self) -> None:
        logger.error("the control plane has not answered for %g s and is ended; predictions go on", HANG_SECONDS)
        self._hung = True
        self.kill()

    def _ended(self) -> None:
        assert self._process is not None and self._health is not None
        self._loop.forget(self._process)
        self._health.end()
        how = self._process.reap()
        self._process.close()
        self._process = None
        # written by the control plane itself, once it answers
        (self._home.run / PID_FILE).unlink(missing_ok=True)
        if not self._stopping:
            words = last_words(self._home, LOG, self._log_start)
            how = "hung and was ended" if self._hung else f"ended with {how}"
            self._again(f"{how}: {words}" if words else how)

    def _again(self, trouble: str) -> None:
        lived = self._loop.now() - self._began
        pause = self._backoff.ended(lived)
        self.restarts += 1
        self.trouble = trouble
        logger.error("the control plane %s; predictions go on; it is started again in %.1f s", trouble, pause)
        self._timer = self._loop.after(pause, self.start)
