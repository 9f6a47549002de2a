"""Where a writer's segments come from: files made ready in a thread of its own, so that no request waits for one.

The oldest file beyond the limit is renamed and used again, or else a new one is made: its blocks are allocated, so that
a full disk shows here and not as a signal while writing, and its pages are there. Until it is begun it has the name of
a draft, which nobody reads.
"""

import fcntl
import mmap
import os
import secrets
import stat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from headgate.errors import Corrupt
from headgate.spool.layout import DRAFT_SUFFIX, END, HEADER_BYTES, SUFFIX, count_in, unpack_header

LOCK = ".lock"


class Blank(NamedTuple):
    """A file that is ready to become a segment: it holds no header, and no entries follow."""

    draft: Path
    number: int
    size: int
    descriptor: int
    mapped: mmap.mmap

    @property
    def path(self) -> Path:
        """Its name as a segment, never given before nor after."""
        return self.draft.with_suffix(SUFFIX)

    def release(self) -> None:
        """Close it."""
        self.mapped.close()
        os.close(self.descriptor)

    def discard(self) -> None:
        """Close it and take the file away."""
        self.release()
        self.draft.unlink(missing_ok=True)


class _Stored(NamedTuple):
    """A file of the spool; drafts, which hold no records, sort first, then the oldest."""

    kept: bool  # until the limit is reached
    age: tuple[int, int]
    path: Path
    size: int
    owned_alone: bool  # whoever links a segment to keep it keeps it
    records: int


class Supply:
    """Files for the segments in `folder`, one after the other. Its methods are for one thread.

    What it holds, this worker's segments and those that dead workers left take at most `limit_bytes`. `dropped` counts
    the records in files that were used again or taken away.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.boot = secrets.token_hex(16)
        self.dropped = 0
        self._folder = folder
        self._limit = limit_bytes
        self._number = 0
        self._lock: int | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._ahead: Future[Blank] | None = None

    def prepare(self, size: int, present: Path | None) -> None:
        """Begin to make the next file ready; `present`, where there is one, is still being written."""
        if self._ahead is None:
            self._ahead = self._beside(self._make, size, present)

    def take(self, size: int) -> Blank:
        """The next file, of at least `size` bytes; raises OSError."""
        ahead, self._ahead = self._ahead, None
        blank = None if ahead is None else _made(ahead)
        if blank is not None:
            if blank.size >= size and blank.draft.exists():
                return blank
            blank.discard()
        return self._make(size)

    def retire(self, blank: Blank) -> None:
        """Close a segment that is full."""
        if self._beside(blank.release) is None:
            blank.release()

    def close(self) -> None:
        """Let go of the folder."""
        ahead, self._ahead = self._ahead, None
        blank = None if ahead is None else _made(ahead)
        if blank is not None:
            blank.discard()
        self._thread.shutdown()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _beside(self, work: Callable[..., Any], *arguments: Any) -> Future[Any] | None:
        try:
            return self._thread.submit(work, *arguments)
        except RuntimeError:
            return None  # no thread can be started: whoever needs it does the work

    # one at a time, here or in the thread: `take` waits for what `prepare` has begun
    def _make(self, size: int, present: Path | None = None) -> Blank:
        self._take_folder()
        self._number += 1
        draft = self._folder / f"{self.boot}-{self._number:08d}{DRAFT_SUFFIX}"
        self._make_room(size, draft, present)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            # or else the first to touch a page waits until many are read or zeroed
            os.posix_fadvise(descriptor, 0, size, os.POSIX_FADV_WILLNEED)
            os.pwrite(descriptor, bytes(HEADER_BYTES) + END, 0)
            mapped = mmap.mmap(descriptor, size)
        except OSError:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        return Blank(draft, self._number, size, descriptor, mapped)

    def _take_folder(self) -> None:
        if self._lock is not None and self._folder.is_dir():
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._lock is not None:
            os.close(self._lock)
        # held for as long as this process lives: how others see that the folder has an owner
        self._lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _make_room(self, size: int, draft: Path, present: Path | None) -> None:
        """Keep the limit although `size` bytes come: as the file `draft`, where one that has to go fits."""
        files = self._files()
        total = sum(file.size for file in files) + size
        for file in files:
            if file.kept and total <= self._limit:
                return
            if file.path != present:
                total -= file.size
                self.dropped += file.records if _given_up(file, size, draft) else 0

    def _files(self) -> list[_Stored]:
        """What lies in this worker's folder and those that nobody owns any more, in the order in which it goes."""
        others = [path for path in self._folder.parent.iterdir() if path.is_dir() and path != self._folder]
        folders = [self._folder, *filter(_is_abandoned, others)]
        paths = [path for folder in folders for path in folder.iterdir() if path.name != LOCK]
        return sorted(found for path in paths if (found := _stored(path)))


def _given_up(file: _Stored, size: int, draft: Path) -> bool:
    """Give the file up, to be used as `draft` where none is yet and it fits; False when a sibling was faster."""
    try:
        if file.owned_alone and file.size == size and not draft.exists():
            file.path.rename(draft)
        else:
            file.path.unlink()
    except FileNotFoundError:
        return False
    return True


def _made(ahead: Future[Blank]) -> Blank | None:
    try:
        return ahead.result()
    except OSError:
        return None  # a disk that was full then may have room now: the caller tries again, and hears of it


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _stored(path: Path) -> _Stored | None:
    """None for a folder, which no writer makes, and for what is gone."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return None
        with path.open("rb") as file:
            content = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return None
    age, records = (found.st_mtime_ns, 0), 0
    # a file that is no segment of ours goes by its age, and no record is lost with it
    with suppress(Corrupt):
        if path.suffix == SUFFIX:
            header = unpack_header(content)
            age, records = (header.created_ns, header.number), count_in(content)
    return _Stored(path.suffix != DRAFT_SUFFIX, age, path, found.st_size, found.st_nlink == 1, records)
