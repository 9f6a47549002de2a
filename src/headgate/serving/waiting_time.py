"""How long a request would wait, told from what was measured: refused at once is better than answered too late."""

import time
from typing import NamedTuple

from headgate.errors import Overloaded

# weight of the newest measurement
_NEWEST = 0.2
# answers of hosts before anything is foretold
_ENOUGH = 16
# a queue more than so many times as long as those that were measured tells nothing: hosts batch
_ALIKE = 1.5
# of what a batch's rows cost together
BATCH_SECONDS = 0.1
_ALIKE_ROWS = 1e-3
# these may always wait
FEW = 16
SHORT_SECONDS = 0.25


class Cost(NamedTuple):
    """What a batch takes, measured at load: fixed + per_row · rows, in seconds."""

    fixed: float
    per_row: float

    def of(self, rows: float) -> float:
        return self.fixed + self.per_row * rows

    def most_rows(self, most: int) -> int:
        """Of one batch, at most so many: more would keep those waiting who come next, and be hardly cheaper by row."""
        seconds = max(BATCH_SECONDS, 4 * self.fixed)
        return most if self.per_row * most <= seconds else max(1, int(seconds / self.per_row))


class LearnedCost:
    """What a batch takes, as the newest ones tell: the line through their rows and seconds."""

    def __init__(self) -> None:
        self._weight = self._rows = self._seconds = self._squares = self._products = 0.0

    def learn(self, rows: int, seconds: float) -> None:
        """A batch of so many rows took so long."""
        keep = 1.0 - _NEWEST / 4
        self._weight = self._weight * keep + 1.0
        self._rows = self._rows * keep + rows
        self._seconds = self._seconds * keep + seconds
        self._squares = self._squares * keep + rows * rows
        self._products = self._products * keep + rows * seconds

    def most_rows(self, most: int) -> int:
        """Of one batch, as for `Cost`."""
        if not self._weight:
            return most
        rows, seconds = self._rows / self._weight, self._seconds / self._weight
        spread = self._squares / self._weight - rows * rows
        if spread < _ALIKE_ROWS * rows * rows:
            # batches of one size do not tell what is fixed
            return most
        per_row = max(0.0, (self._products / self._weight - rows * seconds) / spread)
        return Cost(max(0.0, seconds - per_row * rows), per_row).most_rows(most)


class Patience:
    """How long one may wait: to the deadline, but once it was full only shortly, until few are left.

    What is waiting when an overload ends makes those wait who come then. A short queue keeps the model as busy.
    """

    def __init__(self) -> None:
        self.is_short = False

    def full(self) -> None:
        """Somebody was refused, or had to make room."""
        self.is_short = True

    def until(self, deadline: float, now: float, ahead: int, waiting: int) -> float:
        """When it must be one's turn, with so many ahead of one and so many waiting altogether."""
        if waiting < FEW:
            self.is_short = False
        return min(deadline, now + SHORT_SECONDS) if self.is_short and ahead >= FEW else deadline


class Pace:
    """How batches in a thread get on, one after the other: each is seen to begin, and its cost was measured at load.

    Hosts take rows of several workers, and no worker sees their batches begin: there `WaitingTime` learns from the
    answers alone.
    """

    def __init__(self, cost: Cost, patience: Patience) -> None:
        self._cost = cost
        self._patience = patience
        self._begun = 0.0
        self._expected = 0.0
        self._rows = 1.0  # of one caller, in the newest batch
        self._slower = 0.0  # than at load; 0 while no batch has told

    def begin(self, rows: int, callers: int) -> None:
        """A batch of so many rows of so many callers is with the model."""
        self._begun, self._expected = time.monotonic(), self._cost.of(rows)
        self._rows = rows / callers

    def end(self) -> None:
        """The batch is back."""
        ratio = (time.monotonic() - self._begun) / self._expected
        self._slower += (ratio - self._slower) * (_NEWEST if self._slower else 1.0)

    def check(self, deadline: float, ahead: int, waiting: int) -> None:
        """While a batch runs: raises `Overloaded` for who would come too late after the callers ahead of it."""
        now = time.monotonic()
        wait = max(0.0, self._begun + self._slower * self._expected - now)
        if ahead:
            wait += self._slower * self._cost.of(ahead * self._rows)
        if now + wait > self._patience.until(deadline, now, ahead, waiting) and self._slower:
            raise Overloaded(f"Its turn would come in {wait:.3g} s, which is too late.", retry_after=wait)


class WaitingTime:
    """Learns from every answer of hosts how long one waits there; `Pace` tells it where batches can be watched."""

    def __init__(self) -> None:
        self._answers = 0
        self._ahead = 0.0
        self._seconds = 0.0

    def learn(self, ahead: int, seconds: float) -> None:
        """A call that found so many others ahead of it was answered after so many seconds."""
        weight = max(_NEWEST, 1 / (self._answers + 1))
        self._answers += 1
        self._ahead += (ahead - self._ahead) * weight
        self._seconds += (seconds - self._seconds) * weight

    def foretell(self, ahead: int, *, boldly: bool = False) -> float:
        """Seconds until a call with so many ahead of it is answered; 0 where there is no evidence of a longer wait.

        Boldly: twice as many ahead take twice as long, however many were seen yet.
        """
        if self._answers < _ENOUGH or not ahead or not self._ahead:
            return 0.0
        if boldly:
            return self._seconds * ahead / self._ahead
        return 0.0 if ahead > _ALIKE * self._ahead else self._seconds * min(1.0, ahead / self._ahead)
