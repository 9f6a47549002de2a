"""What the nodes last said, kept in memory: after a restart they say it again within a heartbeat."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from headgate.clock import Clock
from headgate.records import LoadFailure, NodeReport, WorkerReport

# agents report at least every second
SILENT_SECONDS = 5.0


class Nodes:
    """The newest report of every node that is heard of. Thread-safe."""

    def __init__(self, clock: Clock, changed: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._heard: dict[str, tuple[float, NodeReport]] = {}

    def hear(self, report: NodeReport) -> None:
        """Take a node's heartbeat."""
        with self._lock:
            self._heard[report.node] = (self._clock.monotonic(), report)
        self._changed()

    def reports(self) -> tuple[NodeReport, ...]:
        """The reports of nodes that are not silent, by name."""
        oldest = self._clock.monotonic() - SILENT_SECONDS
        with self._lock:
            self._heard = {node: heard for node, heard in self._heard.items() if heard[0] >= oldest}
            return tuple(report for _, (_, report) in sorted(self._heard.items()))


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What the nodes say about one table of one endpoint."""

    living: tuple[str, ...]  # workers that should take it
    acknowledged: tuple[str, ...]  # those that answer with it
    failures: tuple[str, ...]  # why somebody could not take it
    # nodes that build an environment or import a framework for it, which have deadlines of their own
    preparing: tuple[str, ...] = ()

    @property
    def in_force(self) -> bool:
        """Every living worker answers with it. Nobody there is no evidence."""
        return bool(self.living) and set(self.acknowledged) == set(self.living)


def observe(reports: tuple[NodeReport, ...], endpoint: str, number: tuple[int, int]) -> Observation:
    """Who has acknowledged the table with this number, or a later one, and who could not."""
    living = [(f"{report.node}/{worker.worker}", worker) for report in reports for worker in report.workers]
    serving = [(name, worker) for name, worker in living if not worker.draining]
    told = [(report.node, report.failures) for report in reports]
    told += [(name, worker.failures) for name, worker in serving]
    return Observation(
        living=tuple(name for name, _ in serving),
        acknowledged=tuple(name for name, worker in serving if _answers(worker, endpoint, number)),
        failures=tuple(_failures(told, endpoint, number)),
        preparing=tuple(
            report.node for report in reports if endpoint in report.building or endpoint in report.importing
        ),
    )


def _failures(
    told: Iterable[tuple[str, Mapping[str, LoadFailure]]], endpoint: str, number: tuple[int, int]
) -> Iterator[str]:
    for who, failures in told:
        if endpoint in failures and _is_of(failures[endpoint], number):
            yield f"{who}: {failures[endpoint].reason}"


def _answers(worker: WorkerReport, endpoint: str, number: tuple[int, int]) -> bool:
    return tuple(worker.generations.get(endpoint, (0, 0))) >= number


def _is_of(failure: LoadFailure, number: tuple[int, int]) -> bool:
    return (failure.epoch, failure.generation) >= number
