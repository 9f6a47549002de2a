"""Whether a control plane of this machine hangs. One that does is as good as dead, but does not end by itself.

It is judged by `/healthz`, which needs no database, and only once it has answered there: starting may take as long as
it takes, a migration with it.
"""

import threading
from collections.abc import Callable
from functools import partial

from headgate.agent.loop import Call, Loop

PAUSE_SECONDS = 5.0
HANG_SECONDS = 120.0  # of silence: an overloaded machine is no reason to end it
# an agent that stood still itself has heard nothing meanwhile
FEWEST_MISSES = 3


class ControlHealth:
    """Asks one process now and again, from when it has announced itself.

    `silent` says whether nobody answers: it blocks and runs in a thread. `hung` is called once, in the loop's.
    """

    def __init__(self, loop: Loop, announced: Callable[[], bool], silent: Callable[[], bool], hung: Call) -> None:
        self._loop = loop
        self._announced = announced
        self._silent = silent
        self._hung = hung
        self._has_answered = False
        self._misses = 0
        self._heard_last = 0.0
        self._over = False
        self._ask_later()

    def end(self) -> None:
        """The process is over, or is to be left alone."""
        self._over = True

    def _ask_later(self) -> None:
        self._loop.after(PAUSE_SECONDS, self._ask)

    def _ask(self) -> None:
        if self._over:
            return
        if not self._announced():
            # what answers before may be another
            self._ask_later()
        else:
            # a daemon: a request that hangs does not keep the agent from leaving
            threading.Thread(target=self._look, name="control-health", daemon=True).start()

    def _look(self) -> None:
        self._loop.post(partial(self._judge, self._silent()))

    def _judge(self, silent: bool) -> None:
        if self._over:
            return
        if not silent:
            self._has_answered, self._misses, self._heard_last = True, 0, self._loop.now()
        else:
            self._misses += 1
        silence = self._loop.now() - self._heard_last
        if self._has_answered and self._misses >= FEWEST_MISSES and silence > HANG_SECONDS:
            self.end()
            self._hung()
        else:
            self._ask_later()
