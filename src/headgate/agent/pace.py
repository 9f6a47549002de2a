"""How fast something that keeps dying is started again."""

from collections import deque

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
HEALTHY_SECONDS = 30.0


class Backoff:
    """The pause before the next start: doubling, and forgiven after half a healthy minute."""

    def __init__(self, first: float = FIRST_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        self._first = first
        self._longest = longest
        self._next = first
        self.failures = 0

    def ended(self, lived_seconds: float = 0.0) -> float:
        """Seconds to wait, after something lived that long."""
        if lived_seconds >= HEALTHY_SECONDS:
            self.forgive()
        pause, self._next = self._next, min(self._next * 2, self._longest)
        self.failures += 1
        return pause

    def forgive(self) -> None:
        self._next = self._first
        self.failures = 0


class StartBudget:
    """At most so many starts in any minute: no fork storm from a version that dies at once."""

    def __init__(self, starts: int = 5, seconds: float = 60.0) -> None:
        self._starts = starts
        self._seconds = seconds
        self._times: deque[float] = deque()

    def left(self, now: float) -> int:
        """How many starts are allowed now."""
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        return self._starts - len(self._times)

    def spend(self, now: float) -> float:
        """0 when a start is allowed now (and is counted), else the seconds until it will be."""
        if self.left(now) > 0:
            self._times.append(now)
            return 0.0
        return self._times[0] + self._seconds - now
