"""The worker's side of the spool: append a record to a memory-mapped segment in a few microseconds.

What `append` has returned survives `kill -9`, for the mapped pages belong to the kernel; a power cut may cost the last
seconds. The next segment is made ready while the present one fills.
"""

import os
import struct
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headgate.spool.layout import (
    COUNT,
    COUNT_OFFSET,
    END,
    ENTRY,
    HEADER_BYTES,
    Head,
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
from headgate.spool.supply import Blank, Supply

SEGMENT_BYTES = 8 * 1024 * 1024
AHEAD = 0.75  # how full a segment is when the next one is begun to be made
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
        self.folder = folder / worker
        self.appended = 0
        self.appended_bytes = 0
        self._lost = 0
        self._worker = worker
        self._limit = limit_bytes
        self._sampling = sampling
        self._segment_bytes = max(4096, min(segment_bytes, limit_bytes // 4))
        self._supply = Supply(self.folder, limit_bytes)
        self._schemas: dict[int, bytes] = {}
        self._numbers: dict[Schema, int] = {}
        self._written: set[int] = set()
        self._segment: Blank | None = None
        # the mark is where an append looks up: to have the next segment made, or because there is no room
        self._mark = self._room = self._position = self._count = self._seed = 0
        self._next_try = 0.0

    @property
    def dropped(self) -> int:
        """Records that were lost."""
        return self._lost + self._supply.dropped

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
            if schema.sampling and self._segment is None:
                # so that not even the first record waits
                self._supply.prepare(self._segment_bytes, None)
        return self._numbers[shape]

    def append(self, head: Head, inputs: Values, outputs: Values) -> bool:
        """Write one request's record; False (and `dropped` one higher) when it could not be written. Never raises.

        `inputs` is the matrix [rows, features] or name → column; `outputs` name → array.
        """
        try:
            self._append(head.schema, pack_record(head, inputs, outputs), 1)
        except UNWRITABLE:
            self._lost += 1
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
            self._lost += len(requests.ids)
            return False
        return True

    def close(self) -> None:
        """Let go of the segment and the folder; what was appended stays."""
        self._let_go()
        self._supply.close()

    @property
    def _begun(self) -> Blank:
        if self._segment is None:
            raise OSError("there is no segment to write to")
        return self._segment

    def _append(self, schema_id: int, parts: Parts, records: int) -> None:
        size = sum(map(len, parts))
        if schema_id not in self._written or self._position + ENTRY.size + size > self._mark:
            self._make_room(schema_id, size)
        self._write(parts, size)
        self.appended += records
        self.appended_bytes += ENTRY.size + size
        self._count += records
        COUNT.pack_into(self._begun.mapped, COUNT_OFFSET, self._count)

    def _write(self, parts: Parts, size: int) -> None:
        segment, start = self._begun, self._position
        mapped, first = segment.mapped, start + ENTRY.size
        end, checksum = first + size, self._seed
        # what an older segment left must not follow: the new end is there before the present one is overwritten
        if size < BY_CALL:
            payload = b"".join(parts)
            mapped[first:end] = payload
            mapped[end : end + ENTRY.size] = END
            checksum = zlib.crc32(payload, checksum)
        else:
            # a fault for every new page costs more than a call that fills them all
            for part in parts:
                checksum = zlib.crc32(part, checksum)
            if os.pwritev(segment.descriptor, [*parts, END], first) != size + ENTRY.size:
                raise OSError("a record was not written whole")
        # the length comes last: an entry is there once its length is
        mapped[start:first] = ENTRY.pack(size, checksum)
        self._position = end

    def _make_room(self, schema_id: int, size: int) -> None:
        schema = self._schemas.get(schema_id)
        if schema is None:
            raise ValueError(f"schema {schema_id} was never declared to this writer")
        needed = 2 * ENTRY.size + len(schema) + size
        if self._position + needed > self._room:
            self._roll(needed)
        elif self._position + needed > self._mark:
            self._supply.prepare(self._segment_bytes, self._begun.path)
            self._mark = self._room
        if schema_id not in self._written:
            self._write([schema], len(schema))
            self._written.add(schema_id)

    def _roll(self, needed: int) -> None:
        if time.monotonic() < self._next_try:
            raise OSError("the disk was full a moment ago")
        size = max(self._segment_bytes, HEADER_BYTES + needed + ENTRY.size)
        if size > self._limit:
            raise ValueError(f"a record of {needed} bytes is over the spool's limit of {self._limit}")
        self._let_go()
        try:
            self._begin(self._supply.take(size))
        except OSError:
            self._next_try = time.monotonic() + RETRY_SECONDS
            raise

    def _let_go(self) -> None:
        if self._segment is not None:
            self._supply.retire(self._segment)
            self._segment = None
        self._mark = self._room = self._position = self._count = 0
        self._written.clear()

    def _begin(self, blank: Blank) -> None:
        header = Header(self._supply.boot, blank.number, time.time_ns(), self._sampling, self._worker)
        try:
            os.pwrite(blank.descriptor, pack_header(header), 0)
            blank.draft.rename(blank.path)
        except OSError:
            blank.discard()
            raise
        self._segment, self._seed, self._position = blank, header.seed, HEADER_BYTES
        # the last entry's end needs room too
        self._room = blank.size - ENTRY.size
        self._mark = int(self._room * AHEAD)
