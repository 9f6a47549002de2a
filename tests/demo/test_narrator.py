"""What the tour says is plain where nobody looks at a terminal."""

import pytest

from headgate.demo.narrator import Narrator


def test_steps_are_numbered_and_plain(capsys: pytest.CaptureFixture[str]) -> None:
    tell = Narrator()
    tell.title("Title", "below")
    tell.step("first [bold]")
    tell.result("right")
    tell.step("second")
    tell.refusal("no")
    tell.table(["a", "b"], [[1, "x"], [22, "y"]])
    with tell.busy("waiting"):
        pass
    assert capsys.readouterr().out.splitlines() == [
        "Title", "below", "", "1. first [bold]", "   ✓ right", "", "2. second", "   ✗ no",
        "     a   b", "     1   x", "     22  y", "   waiting: 0.0 s",
    ]  # fmt: skip


def test_programs_are_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    tell = Narrator(silent=True)
    tell.title("Title", "below")
    tell.step("first")
    with tell.busy("waiting"):
        tell.remark("remark")
    assert capsys.readouterr().out == ""
