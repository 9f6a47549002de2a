"""A clock that only moves when told to."""

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Starts on a fixed day; `sleep` advances it instead of waiting. Thread-safe."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Wall time, UTC, aware."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds that only grow."""
        with self._lock:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Advance both times."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass."""
        if seconds < 0:
            raise ValueError(f"time does not go back: got {seconds} s; use jump for the wall clock")
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator does; monotonic time does not notice."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
