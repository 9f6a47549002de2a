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


class Cost(NamedTuple):
    """What a batch takes, measured at load: fixed + per_row · rows, in seconds."""

    fixed: float
    per_row: float

    def of(self, rows: float) -> float:
        return self.fixed + self.per_row * rows


class Pace:
    """How batches in a thread get on, one after the other."""

    def __init__(self, cost: Cost) -> None:
        self._cost = cost
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

    def check(self, deadline: float, waiting: int) -> None:
        """While a batch runs and so many callers wait: raises `Overloaded` for who would come after its deadline."""
        now = time.monotonic()
        wait = max(0.0, self._begun + self._slower * self._expected - now)
        if waiting:
            wait += self._slower * self._cost.of(waiting * self._rows)
        if self._slower and now + wait > deadline:
            raise Overloaded(f"Its turn would come in {wait:.3g} s, after the deadline.", retry_after=wait)


class WaitingTime:
    """Learns from every answer."""

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

    def foretell(self, ahead: int) -> float:
        """Seconds until a call with so many ahead of it is answered; 0 where there is no evidence of a longer wait."""
        if self._answers < _ENOUGH or not ahead or ahead > _ALIKE * self._ahead:
            return 0.0
        return self._seconds * min(1.0, ahead / self._ahead)
