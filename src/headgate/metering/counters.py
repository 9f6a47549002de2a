"""What the threads of one process count, in memory: for a process that writes its metrics itself."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from headgate.metering.families import Family
from headgate.metering.series_file import Labels, Totals


class Counters:
    """Series of these families; each begins when it is first counted. Thread-safe."""

    def __init__(self, families: Mapping[str, Family]) -> None:
        self._families = families
        self._lock = threading.Lock()
        self._values: Totals = {}

    def count(self, name: str, labels: Labels = (), by: float = 1.0) -> None:
        """So much more of a counter or gauge."""
        with self._lock:
            self._series(name, labels)[0] += by

    def observe(self, name: str, value: float, labels: Labels = ()) -> None:
        """One more value of a histogram."""
        bucket = 1 + bisect_left(self._families[name].bounds, value)
        with self._lock:
            series = self._series(name, labels)
            series[0] += value
            series[bucket] += 1.0

    @contextmanager
    def timing(self, name: str, labels: Labels = ()) -> Iterator[None]:
        """Observe the seconds that the block takes, also when it raises."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.observe(name, time.monotonic() - begun, labels)

    def totals(self) -> Totals:
        """All series as they are now."""
        with self._lock:
            return {key: list(values) for key, values in self._values.items()}

    def _series(self, name: str, labels: Labels) -> list[float]:
        found = self._values.get((name, labels))
        if found is None:
            found = self._values[name, labels] = [0.0] * self._families[name].length
        return found
