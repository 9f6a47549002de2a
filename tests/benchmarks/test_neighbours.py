"""What counts as a cost to the neighbours."""

from benchmarks.neighbours import Beside, Neighbours, section


def beside(name: str, inline: float, hosted: float, failed: int = 0) -> Beside:
    return Beside(name=name, calm=(0.5, 1.0), p99=(inline, hosted), sent=100, failed=failed)


RESULTS = Neighbours(
    seconds=1.0,
    programs=(beside("a program", 9.0, 9.0),),
    faults=(beside("LIGHT", 1.5, 2.1), beside("SLOW_INLINE", 1.7, 1.0), beside("SLOW_HOSTED", 0.5, 2.3, failed=2)),
)


def test_a_fault_is_over_when_either_neighbour_takes_a_fifth_and_a_millisecond_more() -> None:
    assert [row.name for row in RESULTS.over()] == ["SLOW_INLINE", "SLOW_HOSTED"]


def test_every_lost_answer_is_told() -> None:
    assert RESULTS.failed == 2
    assert "300 requests of the others, **2 failed**" in "\n".join(section(RESULTS))


def test_a_program_of_somebody_else_is_measured_but_not_judged() -> None:
    (line,) = [line for line in section(RESULTS) if line.startswith("| a program ")]
    assert line == "| a program | 9.00 | 9.00 | 0 |  |"
