"""What is foretold of batches and queues, and how long one may wait once it was full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import Overloaded
from headgate.serving.waiting_time import (
    BATCH_SECONDS,
    FEW,
    SHORT_SECONDS,
    Cost,
    LearnedCost,
    Pace,
    Patience,
    WaitingTime,
)

COSTS = st.tuples(st.sampled_from([0.0, 1e-4, 0.003, 0.2]), st.sampled_from([1e-6, 1e-4, 0.002, 0.5]))


@given(COSTS, st.integers(1, 4096))
def test_a_batch_takes_as_many_rows_as_do_not_keep_others_waiting(cost: tuple[float, float], most: int) -> None:
    fixed, per_row = cost
    rows = Cost(fixed, per_row).most_rows(most)
    assert 1 <= rows <= most
    assert rows == 1 or rows * per_row <= max(BATCH_SECONDS, 4 * fixed) + 1e-9
    # and no fewer: a larger one would be too long, or is not allowed
    assert rows == most or (rows + 1) * per_row > max(BATCH_SECONDS, 4 * fixed)


@given(COSTS, st.lists(st.integers(1, 200), min_size=2, max_size=50).filter(lambda sizes: len(set(sizes)) > 1))
def test_what_a_batch_takes_is_learned_from_batches(cost: tuple[float, float], sizes: list[int]) -> None:
    fixed, per_row = cost
    learned = LearnedCost()
    assert learned.most_rows(4096) == 4096
    for size in sizes:
        learned.learn(size, fixed + per_row * size)
    told, known = learned.most_rows(4096), Cost(fixed, per_row).most_rows(4096)
    # sizes that are nearly alike do not tell
    assert told == 4096 or told == pytest.approx(known, rel=0.01, abs=1)


def test_batches_of_one_size_tell_nothing() -> None:
    learned = LearnedCost()
    for _ in range(100):
        learned.learn(8, 1.0)
    assert learned.most_rows(4096) == 4096


def test_one_waits_shortly_from_full_until_few_are_left() -> None:
    patience, late = Patience(), 1e9
    assert patience.until(late, 0.0, 500, 500) == late
    patience.full()
    assert patience.until(late, 0.0, 500, 500) == SHORT_SECONDS
    assert patience.until(0.1, 0.0, 500, 500) == 0.1
    # an urgent one has few ahead, which does not say that it is over
    assert patience.until(late, 0.0, FEW - 1, 500) == late
    assert patience.until(late, 0.0, FEW, FEW) == SHORT_SECONDS
    assert patience.until(late, 0.0, FEW - 1, FEW - 1) == late
    assert patience.until(late, 0.0, 500, 500) == late


def test_a_full_queue_is_closed_until_it_is_short() -> None:
    patience = Patience()
    pace = Pace(Cost(0.0, 1e-9), patience)
    pace.begin(1, 1)
    pace.end()
    pace.begin(1, 1)
    pace.check(1e12, 10**9, 10**9)
    patience.full()
    with pytest.raises(Overloaded) as caught:
        pace.check(1e12, 10**9, 10**9)
    assert (caught.value.retry_after or 0) > SHORT_SECONDS
    pace.check(1e12, FEW - 1, FEW - 1)


def test_a_longer_queue_is_foretold_only_boldly() -> None:
    waiting = WaitingTime()
    for _ in range(20):
        waiting.learn(10, 0.1)
    assert waiting.foretell(100) == 0.0
    assert waiting.foretell(100, boldly=True) == pytest.approx(1.0)
    assert waiting.foretell(5, boldly=True) == pytest.approx(0.05)
