"""The fault matrix of docs/reliability.md: every promise is kept."""

import pytest
from benchmarks.reliability import run

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


def test_every_promise_of_the_fault_matrix_is_kept() -> None:
    broken = [row for row in run(seconds=5).rows if not row.kept]
    assert broken == []
