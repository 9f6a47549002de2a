"""The model hosts of one bundle: as many as wanted, each replaced when it ends, none in a storm."""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from headgate.agent.loop import Loop
from headgate.agent.metrics import AgentMetrics
from headgate.agent.pace import HEALTHY_SECONDS, Backoff, StartBudget
from headgate.agent.templates import Fork, Nursery
from headgate.errors import HeadgateError, ModelError, Unavailable
from headgate.records import HostReport

logger = logging.getLogger(__name__)

STARTS_PER_MINUTE = 5
STOP_SECONDS = 5.0
Proven = Callable[[HeadgateError | None], None]
# sends the fork to a template, which it may have to start; raises HeadgateError
Send = Callable[[Fork], None]


class Pool:
    """One bundle's hosts. `changed` is called when one becomes ready or ends."""

    def __init__(
        self, loop: Loop, folder: Path, digest: str, form: str, size: int, send: Send, metrics: AgentMetrics
    ) -> None:
        self.digest = digest
        self.form = form
        # how the last host ended, until one is ready
        self.trouble: HeadgateError | None = None
        # why the version counts as failed, until a host has been healthy for a while
        self.failed: HeadgateError | None = None
        self.stopping = False
        self._loop = loop
        self._folder = folder
        self._size = size
        self._send = send
        self._metrics = metrics
        self._forks: list[Fork] = []
        self._budget = StartBudget(STARTS_PER_MINUTE + size - 1)
        self._backoff = Backoff()
        self._waiting: list[Proven] = []
        self._restarts = 0
        self._filling = False

    @property
    def ready(self) -> bool:
        return any(fork.ready for fork in self._forks)

    @property
    def empty(self) -> bool:
        return not self._forks

    def reports(self) -> list[HostReport]:
        trouble = self.failed or self.trouble
        reason = trouble.message if trouble else ""
        found = [
            HostReport(
                digest=self.digest, pid=fork.process.pid, ready=fork.ready, restarts=self._restarts, reason=reason
            )
            for fork in self._forks
            if fork.process is not None
        ]
        return found or [HostReport(digest=self.digest, pid=0, ready=False, restarts=self._restarts, reason=reason)]

    def prove(self, done: Proven) -> None:
        """Call `done` with None when a host is ready (golden requests passed), or with why one could not be."""
        if self.ready:
            done(None)
        else:
            self._waiting.append(done)
        self.fill()

    def adopt(self, pid: int, socket: Path, nursery: Nursery) -> None:
        """Take over a host of an agent that was killed."""
        fork = Fork(self.digest, self.form, socket, smoke=False, changed=self._changed, ready=True, orphaned=True)
        self._forks.append(fork)
        nursery.begin(fork, pid)

    def fill(self) -> None:
        """Start what is missing, as far as the budget goes."""
        self._filling = False
        while not self.stopping and len(self._forks) < self._size:
            if pause := self._budget.spend(self._loop.now()):
                self._give_up(pause)
                return
            self._start()

    def stop(self) -> None:
        """Let all hosts go; none comes back."""
        self.stopping = True
        for fork in self._forks:
            fork.stop()
        self._loop.after(STOP_SECONDS, self.kill)

    def kill(self) -> None:
        for fork in self._forks:
            fork.kill()

    def _start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket = self._folder / f"{secrets.token_hex(4)}.sock"
        fork = Fork(self.digest, self.form, socket, smoke=False, changed=self._changed)
        self._forks.append(fork)
        self._metrics.host_started(self.digest)
        try:
            self._send(fork)
        except HeadgateError as error:
            fork.trouble, fork.ended = error, True
            self._loop.post(lambda: self._changed(fork))

    def _changed(self, fork: Fork) -> None:
        if fork.ready:
            self.trouble = None
            self._loop.after(HEALTHY_SECONDS, lambda: self._acquit(fork))
            self._answer(None)
        elif fork.ended:
            self._lost(fork)

    def _lost(self, fork: Fork) -> None:
        self._forks.remove(fork)
        fork.socket.unlink(missing_ok=True)
        if fork.process is not None:
            (self._folder / f"{fork.process.pid}.json").unlink(missing_ok=True)
        if self.stopping:
            return
        lived = self._loop.now() - fork.began if fork.began else 0.0
        self.trouble = fork.trouble or Unavailable("The model host was killed.")
        logger.warning("a model host of %s ended after %.1f s: %s", self.digest[:12], lived, self.trouble.message)
        self._restarts += 1
        self._metrics.host_crashed(self.digest)
        self._answer(self.trouble)
        if not self._filling:
            self._filling = True
            self._loop.after(self._backoff.ended(lived), self.fill)

    def _give_up(self, pause: float) -> None:
        """Too many starts in a minute: the version has failed, until it proves otherwise."""
        reason = self.trouble.message if self.trouble else ""
        self.failed = ModelError(
            f"Its model hosts keep ending ({STARTS_PER_MINUTE} starts in a minute); the last one: {reason}"
        )
        self._answer(self.failed)
        if not self._filling:
            self._filling = True
            self._loop.after(pause, self.fill)

    def _acquit(self, fork: Fork) -> None:
        if fork.ready:
            self.failed = None

    def _answer(self, trouble: HeadgateError | None) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done(trouble)
