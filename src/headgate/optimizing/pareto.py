"""Which candidates are worth a thought: those that no other beats in everything."""

from collections.abc import Sequence

# times waver: what differs by less is the same
SAME_TIME = 0.05
Costs = tuple[float, ...]


def frontier(costs: Sequence[Costs], same: Sequence[float]) -> list[bool]:
    """For each row of costs (less is better) whether no other row is as good in all of them and better in one.

    `same` holds, per cost, the share by which two values may differ and still count as equal.
    """
    return [not any(_beats(other, own, same) for other in costs if other is not own) for own in costs]


def _beats(other: Costs, own: Costs, same: Sequence[float]) -> bool:
    pairs = list(zip(other, own, same, strict=True))
    no_worse = all(left <= right + share * abs(right) for left, right, share in pairs)
    return no_worse and any(left < right - share * abs(right) for left, right, share in pairs)
