"""Faults of a model in the log, at most one a second per version: a failing model must not fill the disk."""

import logging
import time
from collections.abc import Callable

from headgate.errors import HeadgateError

SECONDS = 1.0
_log = logging.getLogger("headgate.serving")


class FaultLog:
    """The faults of one version behind one endpoint."""

    def __init__(self, endpoint: str, version: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = f"{version} behind {endpoint}"
        self._clock = clock
        self._next = 0.0
        self._kept_back = 0

    def tell(self, error: HeadgateError) -> None:
        """Log the reason, or count it when one was logged a moment ago."""
        now = self._clock()
        if now < self._next:
            self._kept_back += 1
            return
        self._next = now + SECONDS
        more = f" (and {self._kept_back} times before)" if self._kept_back else ""
        self._kept_back = 0
        _log.error("%s failed: %s%s", self._what, error.message.replace("\n", " ")[:500], more)
