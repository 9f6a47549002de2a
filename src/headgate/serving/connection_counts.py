"""How many connections each worker of the node holds: one slot per worker in a file that all of them map."""

import logging
import mmap
import os
import struct
import time
from pathlib import Path
from typing import NamedTuple

from headgate.exclusive import exclusive

_MAGIC = b"HGCONN1\n"
SLOTS = 256
# pid, when that process started (clock ticks since boot), open connections, accepted ever, takes connections
_SLOT = struct.Struct("<5Q")
_COUNTS = struct.Struct("<3Q")
_COUNTS_OFFSET = 16
_SIZE = len(_MAGIC) + SLOTS * _SLOT.size
_LOOK_SECONDS = 0.1
# nobody steps back for a difference of one connection, or of 5 % of many
_SLACK, _SLACK_SHARE = 1.0, 0.05
_log = logging.getLogger("headgate.serving")


class Slot(NamedTuple):
    """What one worker says of itself."""

    pid: int
    started: int
    open: int
    accepted: int
    accepting: int


class ConnectionCounts:
    """This worker's slot and a look at the others'. A dead process' slot does not count and is taken again."""

    def __init__(self, path: Path, *, look_seconds: float = _LOOK_SECONDS) -> None:
        self.open = 0
        self.accepted = 0  # since this worker began
        self._accepting = 0
        self._look_seconds = look_seconds
        self._next_look = 0.0
        self._pids: list[int] = []
        self._others: list[int] = []
        self._map, self._place = _claimed(path)

    def opened(self) -> None:
        """One more connection."""
        self.open += 1
        self.accepted += 1
        self._write()

    def closed(self) -> None:
        """One less."""
        self.open -= 1
        self._write()

    def join(self) -> None:
        """This worker takes connections from now on."""
        self._accepting = 1
        self._write()

    def leave(self) -> None:
        """This worker takes no more connections: the others need not wait for it."""
        self._accepting = 0
        self._write()

    def close(self) -> None:
        """Give the slot back."""
        self._map[self._place : self._place + _SLOT.size] = bytes(_SLOT.size)
        self._map.close()

    def over_share(self) -> bool:
        """True while this worker holds notably more than the mean of all that take connections."""
        others = self.open_elsewhere()
        if not others:
            return False
        mean = (self.open + sum(others)) / (1 + len(others))
        return self.open > mean + max(_SLACK, mean * _SLACK_SHARE)

    def open_elsewhere(self) -> list[int]:
        """The connections of each living worker that takes more, without this one's."""
        return [slot.open for slot in self._living() if slot.accepting]

    def accepted_elsewhere(self) -> int:
        """What the living others have accepted ever: as long as it stands still, none of them takes any."""
        return sum(slot.accepted for slot in self._living())

    def _living(self) -> list[Slot]:
        now = time.monotonic()
        pids = self._read_pids()
        # a new worker has its share from its first moment; that one has died is found out soon
        if pids != self._pids or now >= self._next_look:
            self._pids = pids
            self._next_look = now + self._look_seconds
            places = (len(_MAGIC) + number * _SLOT.size for number in range(SLOTS))
            self._others = [place for place in places if place != self._place and is_alive(self._read(place))]
        return [self._read(place) for place in self._others]

    def _read_pids(self) -> list[int]:
        with memoryview(self._map) as whole, whole.cast("Q") as numbers:
            return numbers[len(_MAGIC) // 8 :: _SLOT.size // 8].tolist()

    def _read(self, place: int) -> Slot:
        return Slot(*_SLOT.unpack_from(self._map, place))

    def _write(self) -> None:
        _COUNTS.pack_into(self._map, self._place + _COUNTS_OFFSET, max(0, self.open), self.accepted, self._accepting)


def _claimed(path: Path) -> tuple[mmap.mmap, int]:
    """The shared file and a place in it: a free one or a dead process'. Two workers never claim at once."""
    try:
        with exclusive(path.with_name(f".{path.name}.lock")):
            mapped = _mapped(path)
            for number in range(SLOTS):
                place = len(_MAGIC) + number * _SLOT.size
                if not is_alive(Slot(*_SLOT.unpack_from(mapped, place))):
                    _SLOT.pack_into(mapped, place, os.getpid(), started_at(os.getpid()), 0, 0, 0)
                    return mapped, place
        reason = f"all {SLOTS} places are taken"
    except OSError as error:
        reason = str(error)
    # sharing evenly is good, answering is better
    _log.warning("this worker takes connections as if it were alone: %s: %s", path, reason)
    return mmap.mmap(-1, _SIZE), len(_MAGIC)


def is_alive(slot: Slot) -> bool:
    """True when the process that took the slot runs: its pid may be another's by now."""
    return slot.pid != 0 and started_at(slot.pid) == slot.started


def started_at(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when there is none or it is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # the name in brackets may hold anything; behind it come the state (field 3) and the start time (field 22)
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])


def _mapped(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _SIZE)
        mapped = mmap.mmap(descriptor, _SIZE)
        if mapped[: len(_MAGIC)] != _MAGIC:
            # new, or of a release with another layout
            mapped[:] = _MAGIC + bytes(_SIZE - len(_MAGIC))
        return mapped
    finally:
        os.close(descriptor)
