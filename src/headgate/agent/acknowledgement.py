"""Who is replaced for not taking a table, as pure functions of what a worker reports.

A worker that has the table's bundles loaded (a rollback to what it still holds, a change of weights) only has to swap:
it has `acknowledge_seconds`. One that has to load first has `load_seconds` more. One that says that it cannot
(LoadFailure) has answered. The clock runs from the first table it owes an answer to, so that a stream of newer tables
does not keep a stuck worker alive, and starts anew when it makes progress.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from headgate.records import RouteTable, WorkerReport


@dataclass(frozen=True, slots=True)
class Lag:
    """How long a worker has owed an answer for one endpoint."""

    since: float
    # what it answers with now; None while it has nothing for the endpoint
    answered: tuple[int, int] | None
    # digests that it has to load before it can answer
    loading: frozenset[str]


def has_answered(report: WorkerReport, table: RouteTable) -> bool:
    """Whether the worker has the table, or a newer one, in force, or has said why not."""
    if report.generations.get(table.endpoint, (-1, -1)) >= table.number:
        return True
    failure = report.failures.get(table.endpoint)
    return failure is not None and (failure.epoch, failure.generation) >= table.number


def has_answered_all(report: WorkerReport, tables: Iterable[RouteTable]) -> bool:
    return all(has_answered(report, table) for table in tables)


def lag_of(report: WorkerReport, table: RouteTable, before: Lag | None, now: float) -> Lag | None:
    """The worker's lag for the table's endpoint, given the one a moment ago; None when it owes nothing."""
    if has_answered(report, table):
        return None
    answered = report.generations.get(table.endpoint)
    loading = frozenset(variant.digest for variant in table.variants) - frozenset(report.digests)
    if before is not None and before.answered == answered and before.loading == loading:
        return before
    return Lag(since=now, answered=answered, loading=loading)


def is_overdue(lag: Lag, now: float, acknowledge_seconds: float, load_seconds: float) -> bool:
    allowed = acknowledge_seconds + (load_seconds if lag.loading else 0.0)
    return now - lag.since > allowed
