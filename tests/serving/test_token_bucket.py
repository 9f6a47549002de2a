"""However workers interleave, they take no more than the file's docstring says, and one alone exactly."""

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.serving.token_bucket import TokenBucket

# a worker asks (or just looks, at a sweep) so many quarters of a sweep after the one before
STEPS = st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 4)), max_size=200)
RATE = st.sampled_from([0.5, 3.0, 40.0])
BURST = st.sampled_from([1.0, 5.0, 20.0])
SWEEP = 0.25


class Node:
    """Three workers with one bucket; every one looks at least once per sweep."""

    def __init__(self, rate: float, burst: float) -> None:
        self.now = 100.0
        self.taken = [0.0] * 3
        self.looked = [self.now] * 3
        self.copies = [TokenBucket(rate, burst, burst, self.now, 0.0) for _ in range(3)]
        self.times: list[float] = []

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := min(self.looked) + SWEEP) <= end:
            self.now = due
            self.look(self.looked.index(min(self.looked)))
        self.now = end

    def look(self, worker: int) -> None:
        self.looked[worker] = self.now
        self.copies[worker].look(self.now, sum(self.taken) - self.taken[worker])

    def take(self, worker: int) -> float:
        self.looked[worker] = self.now
        wait = self.copies[worker].take(self.now, sum(self.taken) - self.taken[worker])
        if wait == 0:
            self.taken[worker] += 1
            self.times.append(self.now)
        return wait


@given(RATE, BURST, STEPS)
@settings(deadline=None)
def test_several_workers_keep_within_the_bound(rate: float, burst: float, steps: list[tuple[int, bool, int]]) -> None:
    node = Node(rate, burst)
    for worker, asks, quarters in steps:
        node.pass_time(quarters * SWEEP / 4)
        if asks:
            node.take(worker)
        else:
            node.look(worker)
    for first, begin in enumerate(node.times):
        for last in range(first, len(node.times)):
            most = burst + rate * (node.times[last] - begin + SWEEP)
            assert last - first + 1 <= most + 1e-6


@given(RATE, BURST, STEPS)
@settings(deadline=None)
def test_one_worker_alone_is_exact(rate: float, burst: float, steps: list[tuple[int, bool, int]]) -> None:
    """Nothing is taken that is not there, nothing is refused that is, and the wait that is told is the right one."""
    bucket = TokenBucket(rate, burst, burst, 0.0, 0.0)
    now, level = 0.0, burst
    for _, _, quarters in steps:
        now += quarters / 16
        level = min(burst, level + rate * quarters / 16)
        wait = bucket.take(now, 0.0)
        if wait == 0:
            level -= 1
        else:
            assert level < 1 + 1e-9
            assert abs(level + wait * rate - 1) < 1e-6
        assert level > -1e-9


def test_a_part_is_closed_to_some_and_others_may_be_ahead() -> None:
    bucket = TokenBucket(1.0, 4.0, 4.0, 0.0, 0.0)
    assert [bucket.take(0.0, 0.0, 1.5) for _ in range(3)] == [0, 0, 0.5]
    assert [bucket.take(0.0, 0.0) for _ in range(3)] == [0, 0, 1]
    assert [bucket.take(0.0, 0.0, -2.0) for _ in range(3)] == [0, 0, 1]
    # what was taken ahead is missing to the others
    assert bucket.take(0.0, 0.0) == 3
    assert bucket.take(3.0, 0.0) == 0


def test_a_bucket_never_stays_shut() -> None:
    node = Node(2.0, 1.0)
    assert node.take(0) == 0
    wait = node.take(1)
    assert 0 < wait <= 0.5
    node.pass_time(wait)
    assert node.take(2) == 0
