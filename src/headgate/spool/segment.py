"""The worker's side of the spool: append a record to a memory-mapped segment in a few microseconds.

What `append` has returned survives `kill -9`, for the mapped pages belong to the kernel; a power cut may cost the last
seconds. Segments are preallocated, so that a full disk shows when one is made and not as a signal while writing it.
"""

import fcntl
import mmap
import os
import secrets
import struct
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headgate.spool.layout import (
    COUNT,
    COUNT_OFFSET,
    DRAFT_SUFFIX,
    ENTRY,
    HEADER_BYTES,
    SUFFIX,
    Header,
    Parts,
    Requests,
    Schema,
    Values,
    pack_batch,
    pack_header,
    pack_record,
    pack_schema,
)

SEGMENT_BYTES = 8 * 1024 * 1024
LOCK = ".lock"
RETRY_SECONDS = 1.0
BY_CALL = 4096  # bytes from which an entry is written by a system call
# what encoding a caller's odd value can raise; a record is then dropped and counted, the request goes on
UNWRITABLE = (
    OSError, ValueError, TypeError, OverflowError, MemoryError, RecursionError, struct.error, msgspec.MsgspecError,
)  # fmt: skip


class SpoolWriter:
    """Appends records to `folder/worker/`. For one thread.

    Bounded: this worker's segments and those that dead workers left take at most `limit_bytes`; the oldest are dropped.
    `dropped` counts the records that were lost to that, to a full disk or because they could not be encoded.
    """

    def __init__(
        self, folder: Path, worker: str, limit_bytes: int, sampling: float = 1.0, *, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self.appended = 0
        self.appended_bytes = 0
        self.dropped = 0
        self._spool = folder
        self._worker = worker
        self._limit = limit_bytes
        self._sampling = sampling
        self._segment_bytes = max(4096, min(segment_bytes, limit_bytes // 4))
        self._boot = secrets.token_hex(16)
        self._number = 0
        self._schemas: dict[int, bytes] = {}
        self._numbers: dict[Schema, int] = {}
        self._written: set[int] = set()
        self._map: mmap.mmap | None = None
        self._descriptor = -1
        self._room = self._position = self._count = 0
        self._lock: int | None = None
        self._next_try = 0.0

    @property
    def folder(self) -> Path:
        """Where this worker's segments lie."""
        return self._spool / self._worker

    def schema(
        self,
        endpoint: str,
        version: str,
        columns: Sequence[tuple[str, str]],
        outputs: Sequence[str],
        sampling: float | None = None,
    ) -> int:
        """A number for records of this shape: `columns` are (name, dtype) in the order of the matrix.

        The same shape has the same number.
        """
        number = len(self._schemas) + 1
        schema = Schema(
            id=number,
            endpoint=endpoint,
            version=version,
            columns=tuple(columns),
            outputs=tuple(outputs),
            sampling=self._sampling if sampling is None else sampling,
        )
        shape = msgspec.structs.replace(schema, id=0)
        if shape not in self._numbers:
            self._numbers[shape] = number
            self._schemas[number] = pack_schema(schema)
        return self._numbers[shape]

    def append(
        self,
        schema_id: int,
        request_id: str,
        at_ns: int,
        latency_ns: int,
        status: int,
        inputs: Values,
        outputs: Values,
    ) -> bool:
        """Write one request's record; False (and `dropped` one higher) when it could not be written. Never raises.

        `inputs` is the matrix [rows, features] or name → column; `outputs` name → array.
        """
        try:
            self._append(schema_id, pack_record((schema_id, status, at_ns, latency_ns, request_id), inputs, outputs), 1)
        except UNWRITABLE:
            self.dropped += 1
            return False
        return True

    def append_batch(
        self, schema_id: int, requests: Requests, at_ns: int, status: int, inputs: Values, outputs: Values
    ) -> bool:
        """Write the records of all requests that one call of a model answered: as `append`, at the cost of one.

        `inputs` and `outputs` hold the rows of all requests, in order.
        """
        try:
            parts = pack_batch((schema_id, status, at_ns), requests, inputs, outputs)
            self._append(schema_id, parts, len(requests.ids))
        except UNWRITABLE:
            self.dropped += len(requests.ids)
            return False
        return True

    def close(self) -> None:
        """Let go of the segment and the folder; what was appended stays."""
        self._let_go()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def _mapped(self) -> mmap.mmap:
        if self._map is None:
            raise OSError("there is no segment to write to")
        return self._map

    def _append(self, schema_id: int, parts: Parts, records: int) -> None:
        size = sum(map(len, parts))
        if schema_id not in self._written or self._position + ENTRY.size + size > self._room:
            self._make_room(schema_id, size)
        self._write(parts, size)
        self.appended += records
        self.appended_bytes += ENTRY.size + size
        self._count += records
        COUNT.pack_into(self._mapped, COUNT_OFFSET, self._count)

    def _write(self, parts: Parts, size: int) -> None:
        segment, start = self._mapped, self._position
        first = start + ENTRY.size
        if size < BY_CALL:
            payload = b"".join(parts)
            segment[first : first + size] = payload
            checksum = zlib.crc32(payload)
        else:
            # a fault for every new page costs more than a call that fills them all
            checksum = 0
            for part in parts:
                checksum = zlib.crc32(part, checksum)
            if os.pwritev(self._descriptor, parts, first) != size:
                raise OSError("a record was not written whole")
        # the length comes last: an entry is there once its length is
        ENTRY.pack_into(segment, start, size, checksum)
        self._position = first + size

    def _make_room(self, schema_id: int, size: int) -> None:
        schema = self._schemas.get(schema_id)
        if schema is None:
            raise ValueError(f"schema {schema_id} was never declared to this writer")
        needed = 2 * ENTRY.size + len(schema) + size
        if self._position + needed > self._room:
            self._roll(needed)
        if schema_id not in self._written:
            self._write([schema], len(schema))
            self._written.add(schema_id)

    def _roll(self, needed: int) -> None:
        if time.monotonic() < self._next_try:
            raise OSError("the disk was full a moment ago")
        size = max(self._segment_bytes, HEADER_BYTES + needed)
        if size > self._limit:
            raise ValueError(f"a record of {needed} bytes is over the spool's limit of {self._limit}")
        self._let_go()
        try:
            self._take_folder()
            self._drop_oldest(size)
            self._begin(size)
        except OSError:
            self._next_try = time.monotonic() + RETRY_SECONDS
            raise

    def _let_go(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
            os.close(self._descriptor)
        self._room = self._position = self._count = 0
        self._written.clear()

    def _take_folder(self) -> None:
        if self._lock is not None and self.folder.is_dir():
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._lock is not None:
            os.close(self._lock)
        # held for as long as this process lives: how others see that the folder has an owner
        self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _begin(self, size: int) -> None:
        self._number += 1
        path = self.folder / f"{self._boot}-{self._number:08d}{SUFFIX}"
        draft = path.with_suffix(DRAFT_SUFFIX)
        created = time.time_ns()
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            segment = mmap.mmap(descriptor, size)
            segment[:HEADER_BYTES] = pack_header(
                Header(self._boot, self._number, created, self._sampling, self._worker)
            )
            draft.rename(path)
        except OSError:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        self._map, self._descriptor, self._room, self._position = segment, descriptor, size, HEADER_BYTES

    def _drop_oldest(self, coming: int) -> None:
        segments = sorted((path for folder in self._owned_folders() for path in folder.glob("*")), key=_age)
        sizes = {path: _size(path) for path in segments}
        total = sum(sizes.values()) + coming
        for path in segments:
            if total <= self._limit:
                return
            if path.name != LOCK:
                self.dropped += _records_in(path)
                path.unlink(missing_ok=True)
                total -= sizes[path]

    def _owned_folders(self) -> list[Path]:
        """This worker's folder and those that nobody owns any more."""
        others = [path for path in self._spool.iterdir() if path.is_dir() and path != self.folder]
        return [self.folder, *(path for path in others if _is_abandoned(path))]


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


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _records_in(path: Path) -> int:
    """The count that a segment's header carries; 0 for what is no segment."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return 0
    if path.suffix != SUFFIX or len(header) < HEADER_BYTES:
        return 0
    return int(COUNT.unpack_from(header, COUNT_OFFSET)[0])
