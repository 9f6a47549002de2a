"""The model hosts of one bundle: as many as wanted, each replaced when it ends or has grown, none in a storm."""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from headgate.agent.footprint import Footprint, excess, growth, measure
from headgate.agent.loop import Loop
from headgate.agent.metrics import AgentMetrics
from headgate.agent.pace import HEALTHY_SECONDS, Backoff, StartBudget
from headgate.agent.process import manner
from headgate.agent.spare import Spare
from headgate.agent.templates import Fork, Nursery
from headgate.errors import HeadgateError, ModelError, Unavailable
from headgate.records import HostReport
from headgate.settings import Settings

logger = logging.getLogger(__name__)

STARTS_PER_MINUTE = 5
STOP_SECONDS = 5.0
RENEW_SECONDS = 0.5  # between two replacements of hosts that have grown
FAILED = "failed"  # tells workers that the hosts keep ending, and how: nobody need wait for one
Proven = Callable[[HeadgateError | None], None]
# sends the fork to a template, which it may have to start; raises HeadgateError
Send = Callable[[Fork], None]


class Pool:
    """One bundle's hosts. `crashed` is called when one that was ready has ended by itself."""

    def __init__(
        self,
        loop: Loop,
        folder: Path,
        digest: str,
        form: str,
        settings: Settings,
        send: Send,
        metrics: AgentMetrics,
        crashed: Callable[[], None],
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
        self._settings = settings
        self._size = max(1, settings.workers)
        self._send = send
        self._crashed = crashed
        self._metrics = metrics
        self._forks: list[Fork] = []
        self._budget = StartBudget(STARTS_PER_MINUTE + self._size - 1)
        self._spare = Spare(loop, folder, (digest, form), self._budget, send, crashed)
        self._backoff = Backoff()
        self._waiting: list[Proven] = []
        self._restarts = 0
        self._first = self._size
        self._filling = False
        self._renewed = 0.0
        # for clients: how the last one ended, without the words of a framework
        self._how = ""

    @property
    def ready(self) -> bool:
        return any(fork.ready for fork in self._forks)

    @property
    def empty(self) -> bool:
        return not self._forks and self._spare.fork is None

    def reports(self) -> list[HostReport]:
        trouble = self.failed or self.trouble
        reason = trouble.message if trouble else ""
        restarts = self._restarts + self._spare.crashes
        found = [
            HostReport(digest=self.digest, pid=fork.process.pid, ready=fork.ready, restarts=restarts, reason=reason)
            for fork in self._forks
            if fork.process is not None
        ]
        return found or [HostReport(digest=self.digest, pid=0, ready=False, restarts=restarts, reason=reason)]

    def prove(self, done: Proven) -> None:
        """Call `done` with None when a host is ready (golden requests passed), or with why one could not be."""
        if self.ready:
            done(None)
        else:
            self._waiting.append(done)
        self.fill()

    def adopt(self, pid: int, socket: Path, nursery: Nursery) -> None:
        """Take over a host of an agent that was killed."""
        fork = Fork(
            self.digest, self.form, socket, smoke=False, changed=self._changed, ready=True, served=True, orphaned=True
        )
        self._forks.append(fork)
        nursery.begin(fork, pid)

    def fill(self) -> None:
        """Start what is missing, as far as the budget goes."""
        self._filling = False
        while not self.stopping and sum(not fork.leaving for fork in self._forks) < self._size:
            if self._first:
                # the first of all are no restarts
                self._first -= 1
            elif pause := self._budget.spend(self._loop.now()):
                self._give_up(pause)
                return
            self._start()

    def watch(self) -> None:
        """Look at what the hosts take: end one that takes too much, replace one that has grown."""
        for fork in self._forks if self._spare.fork is None else [*self._forks, self._spare.fork]:
            if fork.ready and fork.process is not None and (now := measure(fork.process.pid)):
                self._judge(fork, now)

    def stop(self) -> None:
        """Let all hosts go; none comes back. Nobody waits for them any more: those that stay are killed soon."""
        self.stopping = True
        self._spare.stop()
        for fork in self._forks:
            fork.stop()
        (self._folder / FAILED).unlink(missing_ok=True)
        self._loop.after(STOP_SECONDS, self.kill)

    def kill(self) -> None:
        for fork in self._forks:
            fork.kill()
        self._spare.kill()

    def _judge(self, fork: Fork, now: Footprint) -> None:
        fork.first = fork.first or now
        fork.stopped = (fork.stopped or self._loop.now()) if now.stopped else None
        if fork.stopped and self._loop.now() - fork.stopped > self._settings.hang_seconds:
            fork.kill(Unavailable("The model host was stopped by a signal, and ended."))
        elif why := excess(now, self._settings):
            fork.kill(ModelError(f"The model host was ended: {why}."))
        elif why := growth(now, fork.first, self._settings):
            self._renew(fork, why)

    def _start(self, replaces: Fork | None = None) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket = self._folder / f"{secrets.token_hex(4)}.sock"
        fork = Fork(self.digest, self.form, socket, smoke=False, changed=self._changed, replaces=replaces)
        self._forks.append(fork)
        self._metrics.host_started(self.digest)
        try:
            self._send(fork)
        except HeadgateError as error:
            fork.trouble, fork.ended = error, True
            self._loop.post(lambda: self._changed(fork))

    def _renew(self, fork: Fork, why: str) -> None:
        """Start its successor; the host leaves between two requests once that is ready."""
        now = self._loop.now()
        if self.stopping or fork.leaving or fork not in self._forks:
            return
        if any(each.replaces is fork for each in self._forks) or now - self._renewed < RENEW_SECONDS:
            return
        self._renewed = now
        logger.info("a model host of %s is replaced: %s", self.digest[:12], why)
        self._start(replaces=fork)

    def _changed(self, fork: Fork) -> None:
        if fork.ready:
            self.trouble = None
            self._loop.after(HEALTHY_SECONDS, lambda: self._acquit(fork))
            self._answer(None)
            if fork.replaces is not None:
                self._retire(fork.replaces)
        elif fork.ended:
            self._lost(fork)

    def _retire(self, fork: Fork) -> None:
        fork.leaving = True
        fork.stop()
        # a call that is under way may take that long
        self._loop.after(self._settings.host_call_seconds + STOP_SECONDS, fork.kill)

    def _lost(self, fork: Fork) -> None:
        self._forks.remove(fork)
        fork.sweep()
        if self.stopping:
            return
        if fork.leaving and not fork.status and fork.trouble is None:
            self.fill()
            return
        lived = self._loop.now() - fork.began if fork.began else 0.0
        self.trouble = fork.trouble or Unavailable("The model host was killed.")
        logger.warning("a model host of %s ended after %.1f s: %s", self.digest[:12], lived, self.trouble.message)
        self._restarts += 1
        self._how = manner(fork.status) if fork.status else self.trouble.code
        self._answer(self.trouble)
        if fork.served:
            self._spare.need()
            self._crashed()
        if not self._filling:
            self._filling = True
            self._loop.after(self._backoff.ended(lived), self.fill)

    def _give_up(self, pause: float) -> None:
        """Too many starts in a minute: the version has failed, until it proves otherwise."""
        reason = self.trouble.message if self.trouble else ""
        self.failed = ModelError(
            f"Its model hosts keep ending ({STARTS_PER_MINUTE} starts in a minute); the last one: {reason}"
        )
        (self._folder / FAILED).write_text(self._how)
        self._answer(self.failed)
        if not self._filling:
            self._filling = True
            self._loop.after(pause, self.fill)

    def _acquit(self, fork: Fork) -> None:
        if fork.ready:
            self.failed = None
            (self._folder / FAILED).unlink(missing_ok=True)

    def _answer(self, trouble: HeadgateError | None) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done(trouble)
