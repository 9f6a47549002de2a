"""The spare host of a bundle: while its hosts crash, what may have killed one runs here, beside nobody's request."""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from headgate.agent.loop import Loop
from headgate.agent.pace import StartBudget
from headgate.agent.templates import Fork
from headgate.errors import HeadgateError

logger = logging.getLogger(__name__)

FOLDER = "spare"  # in the pool's: workers look there only for what may have killed a host
IDLE_SECONDS = 60.0


class Spare:
    """At most one host. It comes with `need` and goes when that was not called for a minute."""

    def __init__(
        self,
        loop: Loop,
        folder: Path,
        bundle: tuple[str, str],
        budget: StartBudget,
        send: Callable[[Fork], None],
        crashed: Callable[[], None],
    ) -> None:
        self.fork: Fork | None = None
        self.crashes = 0
        self._loop = loop
        self._folder = folder / FOLDER
        self._digest, self._form = bundle
        self._send = send
        self._crashed = crashed
        # the pool's: its own hosts go first
        self._budget = budget
        self._needed = 0.0
        self._stopping = False

    def need(self) -> None:
        """A host has crashed: have a spare one, as far as the budget goes."""
        self._needed = self._loop.now()
        self._loop.after(IDLE_SECONDS, self._dismiss)
        if self.fork is not None or self._stopping or self._budget.left(self._needed) < 2:
            return
        self._budget.spend(self._needed)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket = self._folder / f"{secrets.token_hex(4)}.sock"
        self.fork = Fork(self._digest, self._form, socket, smoke=False, changed=self._changed)
        try:
            self._send(self.fork)
        except HeadgateError as error:
            # the pool's own hosts meet the same, and say so
            logger.warning("no spare host of %s: %s", self._digest[:12], error)
            self.fork = None

    def stop(self) -> None:
        """Let it go; none comes back."""
        self._stopping = True
        if self.fork is not None:
            self.fork.stop()

    def kill(self) -> None:
        if self.fork is not None:
            self.fork.kill()

    def _dismiss(self) -> None:
        if self.fork is not None and self._loop.now() - self._needed >= IDLE_SECONDS:
            self.fork.leaving = True
            self.fork.stop()

    def _changed(self, fork: Fork) -> None:
        if not fork.ended:
            return
        self.fork = None
        fork.sweep()
        if fork.served and not fork.leaving and not self._stopping:
            logger.warning("a spare host of %s ended: %s", self._digest[:12], fork.trouble or "it was killed")
            self.crashes += 1
            self._crashed()
            self.need()
