"""Who owes an answer to a table, and for how long it may."""

from typing import Any

import pytest

from headgate.agent.acknowledgement import Lag, has_answered, has_answered_all, is_overdue, lag_of
from headgate.records import LoadFailure, RouteTable, WorkerReport
from headgate.testing.node.plane import table

OLD, NEW = "a" * 64, "b" * 64


def report(generation: int | None = None, *, failed: int | None = None, digests: tuple[str, ...] = ()) -> WorkerReport:
    failure = LoadFailure(epoch=1, generation=failed or 0, version="m:2", reason="no")
    return WorkerReport(
        worker="w0-1",
        pid=1,
        ready=True,
        generations={} if generation is None else {"e": (1, generation)},
        failures={} if failed is None else {"e": failure},
        digests=digests,
    )


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (report(), False),
        (report(1), False),
        (report(2), True),
        (report(3), True),
        (report(1, failed=2), True),
        (report(1, failed=1), False),
        (report(failed=3), True),
    ],
)
def test_having_it_a_newer_one_or_a_reason_is_an_answer(said: WorkerReport, answered: bool) -> None:
    assert has_answered(said, table("e", 2, NEW)) is answered
    assert has_answered_all(said, [table("e", 2, NEW), table("e", 1, OLD)]) is answered


def test_a_higher_epoch_is_newer_whatever_the_generation() -> None:
    assert not has_answered(report(9), table("e", 1, NEW, epoch=2))


class Watch:
    """A worker's lag over time."""

    def __init__(self) -> None:
        self.lag: Lag | None = None

    def late(self, now: float, said: WorkerReport, newest: RouteTable, **seconds: Any) -> bool:
        self.lag = lag_of(said, newest, self.lag, now)
        limits = {"acknowledge_seconds": 10.0, "load_seconds": 120.0} | seconds
        return self.lag is not None and is_overdue(self.lag, now, **limits)


def test_a_rollback_to_what_is_loaded_has_ten_seconds() -> None:
    watch, said, back = Watch(), report(2, digests=(OLD, NEW)), table("e", 3, OLD)
    assert [watch.late(now, said, back) for now in (0, 9.9, 10.0, 10.1)] == [False, False, False, True]


def test_one_that_has_to_load_has_the_time_to_load() -> None:
    watch, said, forward = Watch(), report(1, digests=(OLD,)), table("e", 2, NEW)
    assert [watch.late(now, said, forward) for now in (0, 11, 129, 131)] == [False, False, False, True]


def test_one_that_was_loading_when_it_was_rolled_back_has_ten_seconds_from_then() -> None:
    watch, said = Watch(), report(1, digests=(OLD,))
    assert not watch.late(0, said, table("e", 2, NEW))
    assert [watch.late(now, said, table("e", 3, OLD)) for now in (60, 69, 71)] == [False, False, True]


def test_a_stream_of_tables_does_not_keep_a_stuck_worker_alive() -> None:
    watch, said = Watch(), report(1, digests=(OLD,))
    late = [watch.late(second, said, table("e", 2 + second, OLD)) for second in range(12)]
    assert late[10:] == [False, True]


def test_progress_starts_the_clock_anew() -> None:
    watch = Watch()
    assert not watch.late(0, report(1, digests=(OLD,)), table("e", 2, OLD))
    assert not watch.late(9, report(2, digests=(OLD,)), table("e", 3, OLD))
    assert not watch.late(18, report(2, digests=(OLD,)), table("e", 3, OLD))
    assert not watch.late(18.5, report(3, digests=(OLD,)), table("e", 3, OLD))
    assert watch.lag is None
