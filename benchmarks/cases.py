"""What is asked, and how long."""

from dataclasses import dataclass

from benchmarks.contender import FormName


@dataclass(frozen=True)
class Case:
    """One form of request on so many connections."""

    form: FormName
    rows: int
    connections: int


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    cases: tuple[Case, ...]
    rounds: int
    seconds: float
    warm_up: float
    # rows of a request for which the open loop is run
    open_rows: tuple[int, ...]
    open_seconds: float
    swaps: int
    starts: int
    stage_calls: int


EVERY_CASE = tuple(
    Case(form, rows, connections)
    for form in ("instances", "rows")
    for rows in (1, 100)
    for connections in (1, 32)
)  # fmt: skip
FEW_CASES = (Case("instances", 1, 1), Case("instances", 1, 32), Case("instances", 100, 32))

FULL = Effort(EVERY_CASE, 3, 2, 0.3, (1, 100), 3, 50, 3, 2000)
QUICK = Effort(FEW_CASES, 1, 1, 0.2, (1,), 1, 10, 1, 500)
# for the test that all of it runs
TINY = Effort((Case("instances", 1, 4), Case("rows", 3, 2)), 1, 0.1, 0.02, (1,), 0.2, 2, 1, 5)
