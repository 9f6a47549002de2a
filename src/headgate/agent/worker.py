"""One worker process as the agent knows it."""

from dataclasses import dataclass, field

import msgspec

from headgate.agent.acknowledgement import Lag, has_answered_all, is_overdue, lag_of
from headgate.agent.links import WorkerLink
from headgate.agent.process import Process
from headgate.agent.tables import Tables
from headgate.records import Drain, WorkerReport
from headgate.settings import Settings

START_SECONDS = 30.0  # until the first report: a cold disk and a busy machine
MOST_DOUBLINGS = 4
DRAIN_GRACE_SECONDS = 5.0


def longest_drain(settings: Settings) -> float:
    """Seconds after which a worker that was told to drain is killed: it waits for connections, then for requests."""
    return 2 * settings.drain_seconds + DRAIN_GRACE_SECONDS


def start_patience(silent_before: int) -> float:
    """Seconds that a worker may take to start after so many in a row that were ended before they said anything.

    A machine that is too busy to start one within the first is not helped by being asked again and again.
    """
    return START_SECONDS * float(2 ** min(silent_before, MOST_DOUBLINGS))


@dataclass(eq=False)
class Worker:
    """A living worker: ours, or an orphan of an agent that was killed."""

    name: str
    process: Process
    link: WorkerLink
    began: float
    # its place among the wanted workers; an orphan has none
    slot: int | None
    log_start: int = 0
    # seconds until its first report
    patience: float = START_SECONDS
    report: WorkerReport | None = None
    heard: float = 0.0
    # when one that was told to drain is killed; 0 for one that stays
    leave_by: float = 0.0
    has_settled: bool = False
    # whether we have killed it for its silence
    hung: bool = False
    # whether a next attempt to connect is due
    knocking: bool = False
    lags: dict[str, Lag] = field(default_factory=dict)

    @property
    def leaving(self) -> bool:
        return self.leave_by > 0

    def relayed(self) -> WorkerReport | None:
        """Its report as the node tells it: one that was told to drain counts as draining, whatever it says itself."""
        if self.report is not None and self.leaving and not self.report.draining:
            return msgspec.structs.replace(self.report, draining=True)
        return self.report

    def hear(self, report: WorkerReport, now: float) -> bool:
        """Whether the report says more than that it lives."""
        before, self.report, self.heard = self.report, report, now
        return before is None or _substance(before) != _substance(report)

    def is_settled(self, tables: Tables) -> bool:
        """Whether it answers by every table on disk, or has said why not: another of its kind may leave.

        Not the same as ready: a version that nobody can load must not keep a node's orphans alive for ever.
        """
        report = self.report
        return (
            report is not None
            and not report.draining
            and not self.leaving
            and has_answered_all(report, tables.routes.values())
        )

    def is_ready(self, tables: Tables) -> bool:
        """Whether it answers for every endpoint on disk."""
        return self.report is not None and self.report.ready and self.is_settled(tables)

    def is_silent(self, now: float, hang_seconds: float) -> bool:
        """Whether it has said nothing for so long that it counts as hung."""
        starting = self.report is None and self.slot is not None
        return now - max(self.began, self.heard) > (max(self.patience, hang_seconds) if starting else hang_seconds)

    def is_stuck(self, tables: Tables, now: float, settings: Settings) -> bool:
        """Whether it reports, and yet owes the answer to a table for too long."""
        if self.report is None or not self.has_settled or self.leaving:
            return False
        lags = {
            endpoint: lag
            for endpoint, table in tables.routes.items()
            if (lag := lag_of(self.report, table, self.lags.get(endpoint), now))
        }
        self.lags = lags
        return any(is_overdue(lag, now, settings.acknowledge_seconds, settings.load_seconds) for lag in lags.values())

    def drain(self, now: float, settings: Settings) -> None:
        """Tell it to answer what is there and to leave."""
        if not self.leaving:
            self.leave_by = now + longest_drain(settings)
        self.link.send(Drain())


def _substance(report: WorkerReport) -> tuple[object, ...]:
    return (report.ready, report.draining, report.generations, report.failures, report.access_number, report.digests)
