"""What a worker counts, and the Prometheus text over all workers of the node. Counting asks nobody and never fails."""

import logging
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from pathlib import Path
from platform import python_version

from headgate import __version__
from headgate.metering.exposition import exposition
from headgate.metering.families import (
    AGENT_UP,
    BATCH_ROWS,
    BUILD,
    CACHE_BYTES,
    CACHE_ENTRIES,
    CACHE_HITS,
    CACHE_MISSES,
    CONNECTIONS,
    DROPPED,
    EPOCH,
    FAMILIES,
    GAUGES,
    GENERATION,
    IN_FLIGHT,
    LONGEST,
    MODEL_SECONDS,
    OLD_CERTIFICATE,
    QUEUE_SECONDS,
    RECORD_BYTES,
    RECORDS,
    REFUSED_SERIES,
    REQUESTS,
    ROWS,
    ROWS_BOUNDS,
    SECONDS_BOUNDS,
    SHED,
    TOTAL_SECONDS,
    TRACED,
    UNTRACED,
    VARIANTS,
    WORKER_STARTED,
    WORKERS,
)
from headgate.metering.series_file import SUFFIX, Key, Labels, SeriesFile, Totals, add, fold_dead, read_all
from headgate.records import RouteTable
from headgate.serving.priority import NAMES

NAMES_BYTES = 512 * 1024
VALUES = 32 * 1024
# how the agent's file begins; every other one is a worker's
AGENT = "agent-"
_log = logging.getLogger("headgate.serving")
_MERGES: dict[str, Callable[[list[float]], float]] = {"sum": math.fsum, "min": min, "max": max}


class Metrics:
    """This worker's counters, in `folder/worker.mmap`. For one thread; no method raises."""

    def __init__(self, folder: Path, worker: str, *, names_bytes: int = NAMES_BYTES, values: int = VALUES) -> None:
        self._tidy(folder)
        self._file = SeriesFile(
            folder / f"{worker}{SUFFIX}",
            names_bytes=names_bytes,
            values=values,
            longest=LONGEST,
        )
        self._values = self._file.values
        self._refused_series = self._file.place(REFUSED_SERIES)
        self._connections = self._file.place(CONNECTIONS)
        self._in_flight = self._file.place(IN_FLIGHT)
        self._spool = [self._file.place(name) for name in (RECORDS, RECORD_BYTES, DROPPED)]
        self._old_certificate = self._file.place(OLD_CERTIFICATE)
        self._tables: set[Key] = set()
        self._caches: set[Labels] = set()
        self._variants: dict[tuple[str, str], VariantMetrics] = {}

    def variant(self, endpoint: str, version: str) -> "VariantMetrics":
        """The counters of one version behind one endpoint, names that exist; the same object for the same names."""
        found = self._variants.get((endpoint, version))
        if found is None:
            found = self._variants[endpoint, version] = VariantMetrics(self, endpoint, version)
        return found

    def refused(self, endpoint: str = "") -> "StatusMetrics":
        """Those of requests that reached no version of an endpoint, or no endpoint: they have taken no model's time.

        The endpoint exists: what a client made up goes under the empty name.
        """
        return StatusMetrics(self, endpoint, "")

    def connections(self, now: int) -> None:
        """How many connections are open."""
        self._values[self._connections] = float(now)

    def in_flight(self, now: int) -> None:
        """How many requests are being answered."""
        self._values[self._in_flight] = float(now)

    def records(self, written: int, written_bytes: int, dropped: int) -> None:
        """How many records this worker has written and lost since it started."""
        for place, total in zip(self._spool, (written, written_bytes, dropped), strict=True):
            self._values[place] = float(total)

    def began(self, at: float) -> None:
        """Since when this worker lives, and of which release it is."""
        self._values[self.place(WORKER_STARTED, ())] = at
        self._values[self.place(BUILD, (("version", __version__), ("python", python_version())))] = 1.0

    def tables(self, tables: Iterable[RouteTable]) -> None:
        """The route tables in force: their numbers, and the variants that answer."""
        now: dict[Key, float] = {}
        cached: set[Labels] = set()
        for table in tables:
            endpoint = ("endpoint", table.endpoint)
            if table.spec.cache_entries:
                cached |= {(endpoint, ("version", variant.version)) for variant in table.variants}
            now[GENERATION, (endpoint,)] = float(table.generation)
            now[EPOCH, (endpoint,)] = float(table.epoch)
            for variant in table.variants:
                labels = (endpoint, ("version", variant.version), ("role", variant.role))
                now[VARIANTS, (*labels, ("placement", variant.placement))] = 1.0
        # no number: a reader passes over what is not there any more
        gone = {(name, labels): math.nan for labels in self._caches - cached for name in (CACHE_ENTRIES, CACHE_BYTES)}
        for key, value in (gone | dict.fromkeys(self._tables, math.nan) | now).items():
            self._values[self.place(*key)] = value
        self._tables = now.keys() | self._tables

    def old_certificate(self, is_old: bool) -> None:
        """Whether this worker cannot use the certificate that is in place now."""
        self._values[self._old_certificate] = float(is_old)

    def place(self, name: str, labels: Labels) -> int:
        """Where a series of a family in FAMILIES has its values."""
        place = self._file.place(name, labels, FAMILIES[name].length)
        self._values[self._refused_series] = float(self._file.refused)
        return place

    def cache(self, labels: Labels) -> None:
        """There is a cache now, until a table without it is in force."""
        self._caches.add(labels)

    @property
    def values(self) -> "memoryview[float]":
        """All values, float64, by place."""
        return self._values

    def close(self) -> None:
        """Let go of the file: from now on it is a dead worker's."""
        self._file.close()

    def _tidy(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fold_dead(folder, GAUGES)
        except OSError as error:
            # their files stay and are still added up
            _log.warning("the metrics of dead workers cannot be folded: %s", error)


class StatusMetrics:
    """How requests were answered."""

    __slots__ = ("_labels", "_metrics", "_shed", "_statuses", "_values")

    def __init__(self, metrics: Metrics, endpoint: str, version: str) -> None:
        self._metrics = metrics
        self._labels = (("endpoint", endpoint), ("version", version))
        self._values = metrics.values
        self._statuses: dict[tuple[int, str], int] = {}
        self._shed: dict[int, int] = {}

    def count(self, status: int, reason: str = "", by: int = 1) -> None:
        """So many more answers with this status; `reason` is the error's code."""
        place = self._statuses.get((status, reason))
        if place is None:
            labels = (*self._labels, ("status", str(status)), ("reason", reason))
            place = self._statuses[status, reason] = self._metrics.place(REQUESTS, labels)
        self._values[place] += by

    def shed(self, priority: int) -> None:
        """One more of this class was refused because too much is asked."""
        place = self._shed.get(priority)
        if place is None:
            labels = (*self._labels, ("priority", NAMES[priority]))
            place = self._shed[priority] = self._metrics.place(SHED, labels)
        self._values[place] += 1.0


class VariantMetrics(StatusMetrics):
    """The counters of one version behind one endpoint, every place looked up beforehand."""

    __slots__ = ("_batches", "_model", "_queue", "_rows", "_total")

    def __init__(self, metrics: Metrics, endpoint: str, version: str) -> None:
        super().__init__(metrics, endpoint, version)
        labels = self._labels
        self._total = metrics.place(TOTAL_SECONDS, labels)
        self._queue = metrics.place(QUEUE_SECONDS, labels)
        self._model = metrics.place(MODEL_SECONDS, labels)
        self._batches = metrics.place(BATCH_ROWS, labels)
        self._rows = metrics.place(ROWS, labels)

    def answered(self, totals_s: list[float], queues_s: list[float], model_s: float, rows: int) -> None:
        """Requests that one call of the model answered with 200: seconds of each altogether and waiting, of it.

        No seconds of the model: none was called, and nothing waited for one.
        """
        values, count = self._values, len(totals_s)
        self.count(200, by=count)
        values[self._rows] += rows
        self._observe(self._total, totals_s)
        if not model_s:
            return
        self._observe(self._queue, queues_s)
        place = self._model
        values[place] += model_s * count
        values[place + 1 + bisect_left(SECONDS_BOUNDS, model_s)] += count

    def _observe(self, place: int, seconds: list[float]) -> None:
        values = self._values
        values[place] += sum(seconds)
        for second in seconds:
            values[place + 1 + bisect_left(SECONDS_BOUNDS, second)] += 1.0

    def batch(self, rows: int) -> None:
        """One call of the model with so many rows."""
        place = self._batches
        self._values[place] += rows
        self._values[place + 1 + bisect_left(ROWS_BOUNDS, rows)] += 1.0


class CacheMetrics:
    """The counters of one cache."""

    def __init__(self, metrics: Metrics, endpoint: str, version: str) -> None:
        labels = (("endpoint", endpoint), ("version", version))
        metrics.cache(labels)
        self._values = metrics.values
        self._hits, self._misses = metrics.place(CACHE_HITS, labels), metrics.place(CACHE_MISSES, labels)
        self._entries, self._bytes = metrics.place(CACHE_ENTRIES, labels), metrics.place(CACHE_BYTES, labels)
        self.holds(0, 0)

    def asked(self, *, hit: bool) -> None:
        """A request came to the cache, and was answered by it or not."""
        self._values[self._hits if hit else self._misses] += 1

    def holds(self, entries: int, size: int) -> None:
        """How much it holds now."""
        self._values[self._entries], self._values[self._bytes] = float(entries), float(size)


class SpanMetrics:
    """What became of sampled requests; every counter has one thread that writes it."""

    def __init__(self, metrics: Metrics) -> None:
        self._values = metrics.values
        self._full = metrics.place(UNTRACED, (("reason", "full"),))
        self._lost = metrics.place(UNTRACED, (("reason", "export"),))
        self._taken = metrics.place(TRACED, ())

    def full(self) -> None:
        """One had no room in the queue."""
        self._values[self._full] += 1

    def sent(self, count: int, *, taken: bool) -> None:
        """So many were sent, and taken or not."""
        self._values[self._taken if taken else self._lost] += count


def totals(folder: Path) -> Totals:
    """Every series of the node as one; counters of dead processes count on, their gauges do not."""
    processes, found = read_all(folder)
    gauges: dict[Key, list[float]] = {}
    for process in processes:
        add(found, {key: values for key, values in process.series.items() if key[0] not in GAUGES})
        for key, values in process.series.items() if process.alive else ():
            if key[0] in GAUGES and not math.isnan(values[0]):
                gauges.setdefault(key, []).append(values[0])
    for key, several in gauges.items():
        found[key] = [_MERGES[FAMILIES[key[0]].merge](several)]
    living = [process.path.name for process in processes if process.alive]
    agents = sum(name.startswith(AGENT) for name in living)
    found[WORKERS, ()] = [float(len(living) - agents)]
    found[AGENT_UP, ()] = [float(agents > 0)]
    return found


def render(folder: Path, more: Totals | None = None) -> bytes:
    """All metrics of the node as Prometheus text, with what was measured just now."""
    return exposition(FAMILIES, totals(folder) | (more or {}))
