"""The frontier: nothing on it is beaten, and everything off it is, by something on it."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.optimizing.pareto import frontier

ROWS = st.lists(st.tuples(*[st.integers(0, 5).map(float)] * 3), min_size=1, max_size=8)


def beats(other: tuple[float, ...], own: tuple[float, ...]) -> bool:
    return other != own and all(left <= right for left, right in zip(other, own, strict=True))


@given(ROWS)
def test_what_is_on_it_is_not_beaten_and_what_is_not_is_beaten_by_it(rows: list[tuple[float, ...]]) -> None:
    best = frontier(rows, (0.0, 0.0, 0.0))
    winners = [row for row, on in zip(rows, best, strict=True) if on]
    assert winners
    for row, on in zip(rows, best, strict=True):
        assert on == (not any(beats(other, row) for other in rows))
        assert on or any(beats(winner, row) for winner in winners)


def test_what_differs_by_less_than_the_noise_is_the_same() -> None:
    assert frontier([(1.0, 5.0), (1.04, 4.0)], (0.05, 0.0)) == [False, True]
    assert frontier([(1.0, 5.0), (1.06, 4.0)], (0.05, 0.0)) == [True, True]
