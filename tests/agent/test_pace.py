"""Growing pauses and limited starts, on a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as some

from headgate.agent.pace import Backoff, StartBudget


def test_pauses_double_up_to_a_limit_and_are_forgiven() -> None:
    backoff = Backoff()
    assert [backoff.ended() for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert backoff.failures == 8
    # half a healthy minute, and the next end is a first one
    assert backoff.ended(lived_seconds=29.9) == 5.0
    assert backoff.ended(lived_seconds=30.0) == 0.1
    backoff.ended()
    backoff.forgive()
    assert (backoff.failures, backoff.ended()) == (0, 0.1)


def test_a_budget_names_the_time_until_the_next_start() -> None:
    budget = StartBudget(starts=2, seconds=60)
    assert [budget.spend(0.0), budget.spend(10.0), budget.spend(20.0)] == [0.0, 0.0, 40.0]
    assert budget.spend(60.0) == 0.0
    assert budget.spend(60.0) == 10.0


@given(some.lists(some.floats(0, 30), max_size=80))
def test_no_minute_has_more_starts_than_allowed(pauses: list[float]) -> None:
    budget = StartBudget(starts=5, seconds=60)
    now, starts = 0.0, []
    for pause in pauses:
        now += pause
        if budget.spend(now) == 0.0:
            starts.append(now)
    for start in starts:
        assert len([time for time in starts if start <= time < start + 60]) <= 5
