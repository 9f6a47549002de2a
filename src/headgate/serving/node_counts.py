"""What the workers of a node count together: a row per limit, in it a few cells per worker, in a file that all map.

Every cell has one writer, so that counting needs no lock and no system call. What a dead worker held does not count:
the living look for the dead whenever they sweep. What it took of a rate stays taken. A file of an earlier boot is
replaced.
"""

import hashlib
import logging
import mmap
import os
import time
from array import array
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from headgate.exclusive import exclusive
from headgate.serving.connection_counts import Slot, is_alive, started_at

MAGIC = int.from_bytes(b"HGLIMT1\n", "little")
WORKERS = 64
ROWS = 4096
# cells of one worker in one row: requests let in and not answered (its first, so that counting it costs no addition),
# tokens taken ever, tokens left and when that was
IN_USE, TAKEN, LEVEL, SEEN = range(4)
_CELLS = 4
_STRIDE = ROWS * _CELLS
# eight bytes each: magic, boot, how often a worker joined, places that were ever taken
_MAGIC, _BOOT, _JOINS, _PLACES = range(4)
_PIDS = 4  # pid and when that process started, per worker
_NAMES = _PIDS + 2 * WORKERS  # digest of a limit's name, per row
_COUNTS = _NAMES + ROWS
_SIZE = 8 * (_COUNTS + WORKERS * _STRIDE)
# a row that no worker has looked at for so long, and that holds nothing, is another limit's to take
FORGOTTEN_SECONDS = 60.0
_log = logging.getLogger("headgate.serving")


class Row(NamedTuple):
    """Where one limit is counted."""

    cells: "memoryview[float]"
    own: int  # the first of this worker's cells
    offset: int | None  # from the beginning of any worker's cells; None when nobody else counts


class NodeCounts:
    """This worker's cells, and a look at the others'. For one thread."""

    def __init__(self, path: Path, *, pid: int = 0, boot: int = 0) -> None:
        self._path = path
        self._pid = pid or os.getpid()
        self.seen = -1  # what `joins` was at the last look
        self.others: tuple[int, ...] = ()  # where the cells of each living other begin
        self.ever: tuple[int, ...] = ()  # the same of all others, the dead too
        try:
            with self._locked():
                self._map = _mapped(path, boot or this_boot())
                self._place = self._claimed()
        except OSError as error:
            # keeping limits within each worker is better than not answering
            _log.warning("this worker keeps limits as if it were alone: %s: %s", path, error)
            self._map = mmap.mmap(-1, _SIZE)
            self._place = self._claimed()
        self.look()

    def row(self, name: str) -> Row:
        """Where the limit of that name is counted: at the same place in all workers."""
        wanted = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") or 1
        try:
            with self._locked():
                number = self._found(wanted)
        except OSError as error:
            number, reason = None, str(error)
        else:
            reason = f"{ROWS} limits are counted already"
        if number is None:
            _log.warning("the limit of the %s holds for each worker by itself: %s: %s", name, self._path, reason)
            return Row(memoryview(array("d", bytes(8 * _CELLS))), 0, None)
        row = Row(self.cells, self._place * _STRIDE + number * _CELLS, number * _CELLS)
        row.cells[row.own + SEEN] = row.cells[row.own + SEEN] or time.monotonic()
        return row

    def look(self) -> None:
        """See who lives: what the dead held is free again."""
        self.seen = self.joins[0]
        others = [place for place in range(self._numbers[_PLACES]) if place != self._place]
        self.ever = tuple(place * _STRIDE for place in others)
        self.others = tuple(place * _STRIDE for place in others if self._lives(place))

    def close(self) -> None:
        """Give this worker's place back."""
        # the file stays mapped: an answer may still be on its way
        self._let_go(self._place)
        self._numbers[_PIDS + 2 * self._place] = 0

    def _locked(self) -> AbstractContextManager[None]:
        return exclusive(self._path.with_name(f".{self._path.name}.lock"))

    def _claimed(self) -> int:
        """A place that is free or a dead worker's."""
        self._view = memoryview(self._map)
        self._numbers = self._view[: 8 * _COUNTS].cast("Q")
        self.joins = self._numbers[_JOINS : _JOINS + 1]  # how often a worker joined
        self.cells = self._view[8 * _COUNTS :].cast("d")
        numbers = self._numbers
        for place in range(WORKERS):
            if not self._lives(place):
                self._let_go(place)
                numbers[_PIDS + 2 * place], numbers[_PIDS + 2 * place + 1] = self._pid, started_at(self._pid)
                numbers[_PLACES] = max(numbers[_PLACES], place + 1)
                numbers[_JOINS] += 1
                return place
        raise OSError(f"all {WORKERS} places are taken")

    def _lives(self, place: int) -> bool:
        pid, started = self._numbers[_PIDS + 2 * place : _PIDS + 2 * place + 2]
        return is_alive(Slot(pid, started, 0, 0, 0))

    def _let_go(self, place: int) -> None:
        """What a worker held is free; what it took of a rate stays taken."""
        begin = place * _STRIDE
        for number in range(ROWS):
            if self._numbers[_NAMES + number]:
                self.cells[begin + number * _CELLS + IN_USE] = 0.0

    def _found(self, wanted: int) -> int | None:
        names = self._numbers[_NAMES : _NAMES + ROWS].tolist()
        if wanted in names:
            return names.index(wanted)
        number = names.index(0) if 0 in names else next(filter(self._is_forgotten, range(ROWS)), None)
        if number is not None:
            for place in range(self._numbers[_PLACES]):
                for cell in range(_CELLS):
                    self.cells[place * _STRIDE + number * _CELLS + cell] = 0.0
            self._numbers[_NAMES + number] = wanted
        return number

    def _is_forgotten(self, number: int) -> bool:
        places = [place * _STRIDE + number * _CELLS for place in range(self._numbers[_PLACES])]
        seen = max(self.cells[place + SEEN] for place in places)
        held = any(self.cells[place + IN_USE] for place in places)
        return not held and seen < time.monotonic() - FORGOTTEN_SECONDS


def this_boot() -> int:
    """What differs after every start of the machine: times and pids of another boot mean nothing."""
    text = Path("/proc/sys/kernel/random/boot_id").read_text()
    return int(text.strip().replace("-", ""), 16) & (2**64 - 1)


def _mapped(path: Path, boot: int) -> mmap.mmap:
    head = MAGIC.to_bytes(8, "little") + boot.to_bytes(8, "little")
    try:
        with path.open("r+b") as file:
            if file.read(len(head)) == head and file.seek(0, os.SEEK_END) == _SIZE:
                return mmap.mmap(file.fileno(), _SIZE)
        # of an earlier boot, or of a release with another layout, whose workers keep theirs
        path.unlink()
    except FileNotFoundError:
        pass
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # a full disk shows here and not as a signal while counting
        os.posix_fallocate(descriptor, 0, _SIZE)
        mapped = mmap.mmap(descriptor, _SIZE)
        mapped[: len(head)] = head
        return mapped
    finally:
        os.close(descriptor)
