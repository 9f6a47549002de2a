"""How threads that wait for a change are woken."""

import threading


class Bell:
    """Rings are counted, so that one between a look and the wait for the next is not missed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0
        self._closed = False

    @property
    def rings(self) -> int:
        return self._rings

    @property
    def closed(self) -> bool:
        return self._closed

    def ring(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def close(self) -> None:
        """Wake everybody for the last time: from now on nobody waits."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def wait(self, seen: int, seconds: float) -> bool:
        """Wait until it has rung more than `seen` times; False when the time passed first."""
        with self._condition:
            return self._condition.wait_for(lambda: self._closed or self._rings > seen, timeout=seconds)
