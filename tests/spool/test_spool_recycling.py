"""Segments whose files are used again: what an older one left is never taken for a record of this one."""

import os
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.spool.numbered_records import LIMIT, SEGMENT, bytes_in, numbers_of, small_writer, start_writing, write

from headgate.spool.layout import DRAFT_SUFFIX, HEADER_BYTES, SUFFIX, Header
from headgate.spool.reading import Fault, read_segment


def segments(spool: Path) -> list[Path]:
    """Oldest first, as the names of one writer sort."""
    return sorted(spool.rglob(f"*{SUFFIX}"))


def test_beyond_the_limit_no_file_is_made(tmp_path: Path) -> None:
    writer = small_writer(tmp_path, "w0")
    write(writer, 0, 1000)
    files = {path.stat().st_ino for path in tmp_path.rglob("*") if path.suffix in (SUFFIX, DRAFT_SUFFIX)}
    names = {path.name for path in segments(tmp_path)}
    write(writer, 1000, 1000)
    later = {path.stat().st_ino for path in segments(tmp_path)}
    assert later <= files and len(later) >= 4
    assert names.isdisjoint(path.name for path in segments(tmp_path))
    assert bytes_in(tmp_path) <= LIMIT
    writer.close()
    faults: list[Fault] = []
    found = numbers_of(tmp_path, faults)
    assert found == list(range(2000 - len(found), 2000)) and not faults
    assert writer.dropped == 2000 - len(found)
    assert not list(tmp_path.rglob(f"*{DRAFT_SUFFIX}"))


def test_a_reader_is_not_taken_in_by_a_file_that_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = small_writer(tmp_path, "w0")
    write(writer, 0, 1000)
    number, oldest = 1000, segments(tmp_path)[0]
    file = oldest.stat().st_ino

    def slowly(path: Path) -> bytes:
        nonlocal number
        with path.open("rb") as opened:
            content = opened.read(SEGMENT // 2)
            while file not in {segment.stat().st_ino for segment in segments(tmp_path)[-2:]}:
                write(writer, number, 10)
                number += 10
            write(writer, number, 50)
            return content + opened.read()

    monkeypatch.setattr(Path, "read_bytes", slowly)
    faults: list[Fault] = []
    assert list(read_segment(oldest, faults.append)) == [] and not faults
    assert not oldest.exists()
    writer.close()


def test_a_header_that_is_being_overwritten_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = small_writer(tmp_path, "w0")
    write(writer, 0, 100)
    writer.close()
    listed = segments(tmp_path)
    half = listed[0].read_bytes()[:20] + bytes(SEGMENT - 20)
    listed[0].write_bytes(half)
    faults: list[Fault] = []
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path != listed[0] and exists(path))
    found = numbers_of(tmp_path, faults)
    assert found and not faults
    monkeypatch.undo()
    assert numbers_of(tmp_path, faults := []) == found
    assert [fault.path for fault in faults] == [listed[0]]


def test_a_segment_that_someone_has_linked_is_left_alone(tmp_path: Path) -> None:
    writer = small_writer(tmp_path / "spool", "w0")
    write(writer, 0, 100)
    kept = tmp_path / "kept.seg"
    kept.hardlink_to(segments(tmp_path / "spool")[0])
    content = kept.read_bytes()
    write(writer, 100, 1000)
    assert kept.read_bytes() == content and kept.stat().st_nlink == 1
    writer.close()


def test_a_draft_that_a_dead_worker_left_is_used_first(tmp_path: Path) -> None:
    dead = small_writer(tmp_path, "w0-dead")
    write(dead, 0, 10)
    dead.close()
    left = dead.folder / f"left{DRAFT_SUFFIX}"
    left.write_bytes(segments(tmp_path)[0].read_bytes())
    file = left.stat().st_ino
    living = small_writer(tmp_path, "w1")
    write(living, 10, 10)
    assert [path.stat().st_ino for path in living.folder.glob(f"*{SUFFIX}")][0] == file
    living.close()
    faults: list[Fault] = []
    assert numbers_of(tmp_path, faults) == list(range(20)) and not faults
    assert living.dropped == 0


def test_without_a_thread_the_writer_makes_its_files_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refused)
    writer = small_writer(tmp_path, "w0")
    write(writer, 0, 1000)
    writer.close()
    faults: list[Fault] = []
    found = numbers_of(tmp_path, faults)
    assert found == list(range(1000 - len(found), 1000)) and len(found) > 50 and not faults
    assert writer.dropped == 1000 - len(found)


def test_no_two_segments_of_a_writer_share_a_seed() -> None:
    boot = "ab" * 16
    numbers = [*range(10_000), *(1 << power for power in range(14, 32))]
    assert len({Header(boot, number, 0, 1.0, "w").seed for number in numbers}) == len(numbers)
    assert Header(boot, 1, 0, 1.0, "w").seed != Header("ac" * 16, 1, 0, 1.0, "w").seed


places = st.one_of(st.just(HEADER_BYTES), st.just(SEGMENT // 2), st.integers(0, SEGMENT))


class Recycling(RuleBasedStateMachine):
    """Writes, reads, crashes, cut and half-written files in any order.

    A copy of the spool's files is what a killed writer leaves, for their pages are the kernel's. After a power cut a
    file can have pages of what it held before among those of its present segment.
    """

    @initialize()
    def begin(self) -> None:
        self.spool = Path(tempfile.mkdtemp(prefix="spool-"))
        self.writer = small_writer(self.spool, "w0")
        self.written = 0
        self.safe_from = 0  # before it, damage may have cost some
        self.boots = 1
        self.older: dict[str, bytes] = {}
        self.before: list[bytes] = []
        self.homes: dict[int, tuple[str, int]] = {}
        self.housed = 0

    @rule(count=st.integers(1, 60))
    def write(self, count: int) -> None:
        write(self.writer, self.written, count)
        self.written += count
        present = {}
        for path in segments(self.spool):
            if (content := _whole(path)) is not None:
                present[path.name] = content
        self.before += [content for name, content in self.older.items() if name not in present]
        self.before = self.before[-8:]
        self.older = present

    @invariant()
    def what_is_read_is_what_was_written(self) -> None:
        faults: list[Fault] = []
        found = numbers_of(self.spool, faults)
        assert len(set(found)) == len(found)
        safe = [number for number in found if number >= self.safe_from]
        assert safe == list(range(self.written - len(safe), self.written))
        assert self.written == 0 or safe or self.safe_from == self.written
        if self.safe_from == 0:
            assert found == safe and not faults
        assert bytes_in(self.spool) <= LIMIT

    @invariant()
    def a_record_is_in_the_segment_it_was_written_to(self) -> None:
        for path in segments(self.spool):
            for entry in read_segment(path, lambda fault: None):
                number, home = int(entry.head.id[1:]), (entry.header.boot, entry.header.number)
                if number >= self.housed:
                    self.homes[number] = home
                assert self.homes.get(number) == home
        self.housed = self.written

    @rule(same_name=st.booleans())
    def crash(self, same_name: bool) -> None:
        self._begin_again(same_name)

    @rule(which=st.integers(0, 5), start=places)
    def crash_and_cut(self, which: int, start: int) -> None:
        if files := self._begin_again(same_name=False):
            content = files[which % len(files)].read_bytes()
            files[which % len(files)].write_bytes(content[:start])
            self.safe_from = self.written

    @rule(which=st.integers(0, 5), start=places, length=st.integers(1, SEGMENT), before=st.integers(0, 7))
    def crash_and_tear(self, which: int, start: int, length: int, before: int) -> None:
        if (files := self._begin_again(same_name=False)) and self.before:
            content = bytearray(files[which % len(files)].read_bytes())
            older = self.before[before % len(self.before)][: len(content)]
            # as much of the head as names a segment stays: else the file is the older one, whose records are true
            start = max(start, HEADER_BYTES)
            content[start : start + length] = older[start : start + length]
            files[which % len(files)].write_bytes(content)
            self.safe_from = self.written

    @precondition(lambda self: self.written)
    @rule()
    def close(self) -> None:
        self.writer.close()

    def _begin_again(self, same_name: bool) -> list[Path]:
        """A new writer over what a killed one leaves; what that is."""
        left = Path(tempfile.mkdtemp(prefix="spool-"))
        for folder in self.spool.iterdir():
            (left / folder.name).mkdir()
            for path in folder.iterdir():
                if (content := _whole(path)) is not None:
                    (left / folder.name / path.name).write_bytes(content)
        self._give_up()
        self.spool = left
        self.boots += 1
        self.writer = small_writer(left, "w0" if same_name else f"w{self.boots}")
        return segments(left)

    def _give_up(self) -> None:
        self.writer.close()
        shutil.rmtree(self.spool)

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self._give_up()


def _whole(path: Path) -> bytes | None:
    """As a reader has it: None when the file is being used again."""
    try:
        content = path.read_bytes()
        path.stat()
    except FileNotFoundError:
        return None
    return content


TestRecycling = Recycling.TestCase
# an example starts threads and fills files: to shrink one takes longer than to read it
TestRecycling.settings = settings(
    max_examples=20,
    stateful_step_count=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def heard_from(process: subprocess.Popen[bytes], count: int) -> bytes:
    assert process.stdout is not None
    content = b""
    while len(content) < count:
        content += process.stdout.read(count - len(content))
    return content


def killed(process: subprocess.Popen[bytes], heard: bytes) -> int:
    """The last number that a child has acknowledged when it is killed."""
    with process:
        os.kill(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        return int((heard + process.stdout.read()).decode().split("\n")[-2])


def test_kill_9_at_the_limit_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    first = 0
    for round_ in range(4):
        # each goes on where the one before was killed, in its files
        process = start_writing(tmp_path, f"w{round_}", first)
        last = killed(process, heard_from(process, 8_000 + 1_237 * round_))
        faults: list[Fault] = []
        found = numbers_of(tmp_path, faults)
        assert found == list(range(found[0], found[-1] + 1)) and not faults
        # at most the one append that was under way is there as well
        assert last <= found[-1] <= last + 1
        assert found[0] > first and bytes_in(tmp_path) <= LIMIT
        first = found[-1] + 1


def test_reading_beside_a_writer_that_uses_its_files_again(tmp_path: Path) -> None:
    process = start_writing(tmp_path, "w0")
    heard_from(process, 20_000)  # well beyond the limit
    newest = []
    for _ in range(40):
        faults: list[Fault] = []
        found = numbers_of(tmp_path, faults)
        assert not faults and len(set(found)) == len(found)
        # a writer that is faster than its reader may have used again all that was listed
        newest += found[-1:]
        heard = heard_from(process, 1_000)
    killed(process, heard)
    assert newest == sorted(newest) and len(set(newest)) > 5


def test_two_writers_use_what_dead_ones_left(tmp_path: Path) -> None:
    for name in ("w0-dead", "w1-dead"):
        dead = small_writer(tmp_path, name)
        write(dead, 0, 300)
        dead.close()
    both = [start_writing(tmp_path, "w2", 1_000), start_writing(tmp_path, "w3", 500_000)]
    heard = [heard_from(process, 15_000) for process in both]
    for process in both:  # before one can take what the other leaves
        os.kill(process.pid, signal.SIGSTOP)
    last = [killed(*each) for each in zip(both, heard, strict=True)]
    faults: list[Fault] = []
    found = numbers_of(tmp_path, faults)
    assert not faults and len(set(found)) == len(found)
    for first, end in zip((1_000, 500_000), last, strict=True):
        own = [number for number in found if first <= number <= end]
        assert own == list(range(end - len(own) + 1, end + 1)) and own
    assert not [number for number in found if number < 300], "the oldest went first"
