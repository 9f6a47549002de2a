"""How recovery is told from what became of the requests."""

from benchmarks.overload import Asked, judge, table


def asked(rate: float, begin: float, end: float, status: int = 200, seconds: float = 0.01) -> list[Asked]:
    return [Asked(begin + number / rate, status, seconds) for number in range(round((end - begin) * rate))]


def test_recovery_is_told_by_what_is_asked_afterwards() -> None:
    found = [
        *asked(100, 0.0, 2.0),
        *asked(200, 2.0, 6.0, seconds=0.5),
        *asked(400, 2.0, 6.0, status=503),
        # a second in which half is refused, then one in which all are slow
        *asked(50, 6.0, 7.0),
        *asked(50, 6.0, 7.0, status=503),
        *asked(100, 7.0, 8.0, seconds=0.03),
        *asked(100, 8.0, 10.0),
    ]
    recovery = judge("here", 200.0, 4.0, sorted(found))
    assert recovery.goodput == 1.0
    assert recovery.statuses == {200: 800, 503: 1600}
    assert recovery.good_after is not None and recovery.fast_after is not None
    assert 0.8 <= recovery.good_after <= 1.0
    # while half of them are refused the others are fast
    assert recovery.fast_after == 0.0
    assert "here" in table([recovery])


def test_who_stays_slow_never_recovers() -> None:
    found = [*asked(100, 0.0, 2.0), *asked(400, 2.0, 6.0, status=503), *asked(100, 6.0, 10.0, seconds=0.03)]
    recovery = judge("here", 200.0, 4.0, found)
    assert recovery.fast_after is None
    assert "never" in table([recovery])
