"""Which versions end the processes that run them: what a worker has in call, and the counts that the agent keeps.

A worker maps `run/<worker>.calls`: one byte per model inside of it, which is 1 while that model is asked, and beside it
the bundle's digest. Whoever finds the worker dead reads what it was doing.
"""

import mmap
import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from headgate.home import Home, write_atomically
from headgate.records import CrashCount, PlaneRecord

SUFFIX = "calls"
SLOTS = 1024
DIGEST_BYTES = 64
_SIZE = SLOTS + SLOTS * DIGEST_BYTES


class CallMark(NamedTuple):
    """Where to say that a model is in call: `flags[place] = 1`, then 0."""

    flags: "memoryview | bytearray"
    place: int


class CallMarks:
    """A worker's file. Its first slot has no name: it is for whatever finds no other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[tuple[str, str], int] = {}
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)
        self._flags = memoryview(self._map)

    def mark(self, digest: str, user: str) -> CallMark:
        """The slot of a bundle; each `user` has its own, for they may ask it at the same time."""
        place = self._places.get((digest, user))
        if place is None:
            place = len(self._places) + 1
            if place >= SLOTS:
                return CallMark(self._flags, 0)
            self._places[digest, user] = place
            start = SLOTS + place * DIGEST_BYTES
            self._map[start : start + DIGEST_BYTES] = digest.encode().ljust(DIGEST_BYTES, b"\0")
        return CallMark(self._flags, place)

    def remove(self) -> None:
        """This worker ends as it was asked to. The map stays: a thread may still be in a model."""
        self._path.unlink(missing_ok=True)


def read_calls(path: Path) -> frozenset[str]:
    """The digests that were in call; none when there is no such file, or it is not whole."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return frozenset()
    places = [place for place in range(1, SLOTS) if len(content) == _SIZE and content[place]]
    starts = [SLOTS + place * DIGEST_BYTES for place in places]
    return frozenset(content[start : start + DIGEST_BYTES].rstrip(b"\0").decode("ascii") for start in starts)


class CrashBook(PlaneRecord, frozen=True, kw_only=True):
    """`run/crashes.json`."""

    counts: tuple[CrashCount, ...] = ()


_books = msgspec.json.Decoder(CrashBook)


def read_crashes(home: Home) -> tuple[CrashCount, ...]:
    """The agent's counts; none where nothing has crashed, or the file cannot be read."""
    try:
        return _books.decode(crashes_path(home).read_bytes()).counts
    except (OSError, ValueError):
        return ()


def write_crashes(home: Home, counts: tuple[CrashCount, ...]) -> None:
    write_atomically(crashes_path(home), msgspec.json.encode(CrashBook(counts=counts)))


def crashes_path(home: Home) -> Path:
    """Where the counts are: without the file, nothing has crashed."""
    return home.run / "crashes.json"
