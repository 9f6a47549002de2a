"""What a worker was doing when it died, as its file tells; and the counts, whatever is in theirs."""

import os
import signal
from pathlib import Path

import pytest

from headgate.crashes import SLOTS, CallMarks, read_calls, read_crashes, write_crashes
from headgate.home import Home
from headgate.records import CrashCount


def digest(number: int) -> str:
    return f"{number:064x}"


def test_a_dead_process_names_what_was_in_call(tmp_path: Path) -> None:
    path = tmp_path / "w0.calls"
    pid = os.fork()
    if pid == 0:
        marks = CallMarks(path)
        idle, busy = marks.mark(digest(1), "e"), marks.mark(digest(2), "e")
        for _ in range(3):
            idle.flags[idle.place] = 1
            idle.flags[idle.place] = 0
        busy.flags[busy.place] = 1
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert read_calls(path) == {digest(2)}


def test_two_users_of_a_bundle_do_not_clear_each_others_mark(tmp_path: Path) -> None:
    marks = CallMarks(tmp_path / "w.calls")
    first, second = marks.mark(digest(1), "a"), marks.mark(digest(1), "b")
    assert first.place != second.place and marks.mark(digest(1), "a") == first
    first.flags[first.place] = second.flags[second.place] = 1
    first.flags[first.place] = 0
    assert read_calls(tmp_path / "w.calls") == {digest(1)}


def test_whoever_finds_no_room_goes_unnamed(tmp_path: Path) -> None:
    marks = CallMarks(tmp_path / "w.calls")
    for number in range(SLOTS + 10):
        flags, place = marks.mark(digest(number), "e")
    flags[place] = 1
    assert place == 0 and read_calls(tmp_path / "w.calls") == frozenset()


@pytest.mark.parametrize("content", [b"", b"\x01" * 100, None])
def test_a_file_that_is_not_whole_names_nobody(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.calls"
    if content is not None:
        path.write_bytes(content)
    assert read_calls(path) == frozenset()


def test_counts_survive(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    assert read_crashes(home) == ()
    counts = (CrashCount(digest=digest(1), version="m:1", workers=2),)
    write_crashes(home, counts)
    assert read_crashes(home) == counts
    (home.run / "crashes.json").write_text("{")
    assert read_crashes(home) == ()
