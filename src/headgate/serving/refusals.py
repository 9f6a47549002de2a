"""What is answered with an error: always counted, and logged within bounds, for a flood must not fill the disk.

Neither inputs nor who sent them get into the log: of a request that was at fault itself only the code is told, for the
sentence quotes what came. Why a model failed is told to nobody but the log.
"""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from headgate.errors import HeadgateError
from headgate.log_lines import FIELDS
from headgate.serving.metrics import StatusMetrics
from headgate.serving.responses import Exchange, refuse
from headgate.serving.trace import Trace

# of one reason of one version, in so many seconds; more are counted
LINES, SECONDS = 10, 60.0
REASON_CHARACTERS = 500
# too fast, or too full
SHED = (429, 503)
_log = logging.getLogger("headgate.serving")


class Refused(Protocol):
    """A request that was refused."""

    id: str
    priority: int
    started: float
    trace: Trace | None


class Unreadable(Refused, Exchange, Protocol):
    """A request that cannot be read, and can be answered."""


class Window:
    """How often one reason was logged since when, and how often it was kept back."""

    __slots__ = ("kept_back", "logged", "since")

    def __init__(self, since: float, kept_back: int = 0) -> None:
        self.since = since
        self.logged = 0
        self.kept_back = kept_back


class Refusals:
    """Those of one version behind one endpoint, or of all that reached none (empty names)."""

    def __init__(
        self, endpoint: str, version: str, metrics: StatusMetrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._labels = {"endpoint": endpoint, "version": version}
        self._metrics = metrics
        self._clock = clock
        self._windows: dict[str, Window] = {}

    def tell(self, request: Refused, error: HeadgateError) -> None:
        """Count it; log it, or count that it was not logged."""
        self._metrics.count(error.status, error.code)
        if error.status in SHED:
            self._metrics.shed(request.priority)
        now = self._clock()
        window = self._windows.get(error.code)
        if window is None or now - window.since >= SECONDS:
            window = self._windows[error.code] = Window(now, window.kept_back if window else 0)
        if window.logged >= LINES:
            window.kept_back += 1
            return
        window.logged += 1
        fields: dict[str, object] = {
            **self._labels,
            "request_id": request.id,
            "status": error.status,
            "code": error.code,
            "latency_ms": round((now - request.started) * 1000, 3),
        }
        if error.status >= 500:
            fields["reason"] = error.message[:REASON_CHARACTERS]
        if request.trace is not None:
            fields["trace_id"] = request.trace.trace_id
        if window.kept_back:
            fields["kept_back"], window.kept_back = window.kept_back, 0
        _log.log(_level(error.status), "refused", extra={FIELDS: fields})


class Strangers(Refusals):
    """Those of requests that reached no endpoint; what cannot even be read is answered here too."""

    def __init__(self, metrics: StatusMetrics, new_id: Callable[[], str]) -> None:
        super().__init__("", "", metrics)
        self._new_id = new_id

    def turn_away(self, request: Unreadable, error: HeadgateError) -> None:
        """Answer a request of which nothing is known, and count it."""
        request.id = self._new_id()
        self.tell(request, error)
        refuse(request, error)


def _level(status: int) -> int:
    if status < 500:
        return logging.INFO
    return logging.ERROR if status == 500 else logging.WARNING
