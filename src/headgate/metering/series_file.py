"""One worker's series in shared memory: a region of names (JSON lines) and a region of float64 values.

The worker holds a lock on its file for as long as it lives, so whoever can lock a file knows that its worker is dead.
What the dead counted is folded into one JSON file, so that counters never go down and files do not pile up.
"""

import fcntl
import json
import logging
import mmap
import os
import secrets
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from headgate.exclusive import exclusive
from headgate.home import write_atomically

SUFFIX = ".mmap"
FOLDED = "folded.json"
_FOLDING = ".folding"
_MAGIC = b"HGMETR1\n"
# magic, bytes of names used, number of values, bytes reserved for names, identity of this run of the worker
_HEADER = struct.Struct("<8sIII16s")
_HEADER_BYTES = 64
_NAMES_USED = struct.Struct("<I")
_log = logging.getLogger("headgate.metering")

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]
Totals = dict[Key, list[float]]


class SeriesFile:
    """The writer's side. `values[place]` is a series' first value; counting is `values[place] += 1`. For one thread.

    A series that finds no room is given a place that nobody reads; `refused` counts those.
    """

    def __init__(self, path: Path, *, names_bytes: int, values: int, longest: int) -> None:
        self.refused = 0
        self._end = _HEADER_BYTES + names_bytes
        self._position = _HEADER_BYTES
        self._capacity = values
        self._places: dict[Key, int] = {}
        self._descriptor, self._map = _create(path, names_bytes, values)
        self._view = memoryview(self._map)
        self.values = self._view[self._end :].cast("d")
        # the first places are the ones that nobody reads
        self._used = longest

    def place(self, name: str, labels: Labels = (), length: int = 1) -> int:
        """Where the series' values begin; made when it is new."""
        place = self._places.get((name, labels))
        if place is None:
            place = self._places[name, labels] = self._add(name, labels, length)
        return place

    def close(self) -> None:
        """Let go of the file: from now on it is a dead worker's."""
        self.values.release()
        self._view.release()
        self._map.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _add(self, name: str, labels: Labels, length: int) -> int:
        line = json.dumps([name, labels, self._used, length]).encode() + b"\n"
        end = self._position + len(line)
        if end > self._end or self._used + length > self._capacity:
            self.refused += 1
            return 0
        place = self._used
        self._used += length
        self._map[self._position : end] = line
        self._position = end
        # a reader sees a name only when all of it is there
        _NAMES_USED.pack_into(self._map, len(_MAGIC), end - _HEADER_BYTES)
        return place


class WorkerSeries(NamedTuple):
    """What one worker's file says."""

    path: Path
    identity: str  # one per run of a worker
    alive: bool
    series: Totals


def read_series(folder: Path) -> list[WorkerSeries]:
    """Every worker's file; one that vanishes or cannot be read is passed over."""
    return [found for path in sorted(folder.glob(f"*{SUFFIX}")) if (found := _read(path)) is not None]


class Folded(NamedTuple):
    """What dead workers counted together. Their files may still be there: `identities` are those of the last fold."""

    number: int  # of folds so far
    identities: frozenset[str]
    series: Totals


def read_folded(folder: Path) -> Folded:
    """What was folded so far."""
    try:
        document = json.loads((folder / FOLDED).read_bytes())
        series = {(name, _labels(labels)): values for name, labels, values in document["series"]}
        return Folded(document["number"], frozenset(document["identities"]), series)
    except FileNotFoundError:
        return Folded(0, frozenset(), {})
    except (ValueError, TypeError, KeyError) as error:
        _log.warning("counters of earlier workers are lost: %s cannot be read: %s", folder / FOLDED, error)
        return Folded(0, frozenset(), {})


def read_all(folder: Path) -> tuple[list[WorkerSeries], Totals]:
    """The workers whose files count, and what the others counted before: nothing twice, nothing missing."""
    before = read_folded(folder)
    while True:
        workers = read_series(folder)
        folded = read_folded(folder)
        # a fold between the two looks could have taken files along that were read
        if folded.number == before.number:
            return [worker for worker in workers if worker.identity not in folded.identities], folded.series
        before = folded


def add(totals: Totals, series: Totals) -> None:
    """Add the values up; a histogram whose buckets an older release chose gives way to the newer."""
    for key, values in series.items():
        known = totals.get(key)
        if known is None or len(known) != len(values):
            totals[key] = list(values)
        else:
            totals[key] = [left + right for left, right in zip(known, values, strict=True)]


def fold_dead(folder: Path, gauges: Collection[str]) -> None:
    """Move what dead workers counted into one file and delete theirs; gauges die with their worker."""
    with exclusive(folder / _FOLDING):
        dead = [worker for worker in read_series(folder) if not worker.alive]
        if not dead:
            return
        folded = read_folded(folder)
        totals = dict(folded.series)
        for worker in dead:
            if worker.identity not in folded.identities:
                add(totals, {key: values for key, values in worker.series.items() if key[0] not in gauges})
        # written before the files go: a reader tells by the identity that a file is in it already
        document: dict[str, Any] = {
            "format": 1,
            "number": folded.number + 1,
            "identities": [worker.identity for worker in dead],
            "series": [[name, labels, values] for (name, labels), values in totals.items()],
        }
        write_atomically(folder / FOLDED, json.dumps(document).encode())
        for worker in dead:
            worker.path.unlink(missing_ok=True)


def _create(path: Path, names_bytes: int, values: int) -> tuple[int, mmap.mmap]:
    size = _HEADER_BYTES + names_bytes + values * 8
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # a full disk shows here and not as a signal while counting
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        _log.warning("this worker's metrics are seen by nobody: %s cannot be made: %s", path, error)
        draft.unlink(missing_ok=True)
        return -1, mmap.mmap(-1, size)
    mapped = mmap.mmap(descriptor, size)
    _HEADER.pack_into(mapped, 0, _MAGIC, 0, values, names_bytes, secrets.token_bytes(16))
    draft.rename(path)
    return descriptor, mapped


def _read(path: Path) -> WorkerSeries | None:
    try:
        with path.open("rb") as file:
            alive = not _can_lock(file.fileno())
            content = file.read()
        return _decoded(path, content, alive)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        _log.warning("the metrics of one worker are left out: %s cannot be read: %s", path, error)
        return None


def _decoded(path: Path, content: bytes, alive: bool) -> WorkerSeries:
    if len(content) < _HEADER_BYTES or not content.startswith(_MAGIC):
        raise ValueError(f"expected {_MAGIC!r} at the start, got {content[:8]!r}")
    _, used, count, reserved, identity = _HEADER.unpack_from(content)
    start = _HEADER_BYTES + reserved
    if used > reserved or len(content) != start + count * 8:
        raise ValueError(f"expected {start + count * 8} bytes, got {len(content)}")
    values = memoryview(content)[start:].cast("d")
    series: Totals = {}
    for line in content[_HEADER_BYTES : _HEADER_BYTES + used].splitlines():
        name, labels, place, length = json.loads(line)
        series[name, _labels(labels)] = list(values[place : place + length])
    return WorkerSeries(path, identity.hex(), alive, series)


def _labels(pairs: list[list[str]]) -> Labels:
    return tuple((label, value) for label, value in pairs)


def _can_lock(descriptor: int) -> bool:
    try:
        # shared, so that two readers do not take each other for the worker
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
