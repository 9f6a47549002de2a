"""What a worker counts, and the Prometheus text over all workers of the node. Counting asks nobody and never fails."""

import logging
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

from headgate.serving.series_file import (
    SUFFIX,
    Labels,
    SeriesFile,
    Totals,
    add,
    fold_dead,
    read_all,
)

NAMES_BYTES = 512 * 1024
VALUES = 32 * 1024
SECONDS_BOUNDS = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0,
)  # fmt: skip
ROWS_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0, 16384.0)
_log = logging.getLogger("headgate.serving")


class Family(NamedTuple):
    """One name of metrics."""

    kind: str
    help: str
    bounds: tuple[float, ...] = ()

    @property
    def length(self) -> int:
        """Values per series. Those of a histogram: the sum, a count per bucket, the count beyond every bound."""
        return len(self.bounds) + 2 if self.bounds else 1


REQUESTS, ROWS, DROPPED = "headgate_requests_total", "headgate_rows_total", "headgate_records_dropped_total"
TOTAL_SECONDS, QUEUE_SECONDS = "headgate_request_seconds", "headgate_queue_seconds"
MODEL_SECONDS, BATCH_ROWS = "headgate_model_seconds", "headgate_batch_rows"
CONNECTIONS, IN_FLIGHT, WORKERS = "headgate_connections", "headgate_in_flight", "headgate_workers"
REFUSED_SERIES = "headgate_series_dropped_total"
OLD_CERTIFICATE = "headgate_old_certificate"
UNUSUAL = "headgate_unusual_rows_total"
FAMILIES = {
    REQUESTS: Family("counter", "Answers, by endpoint, version, HTTP status and the reason of an error."),
    ROWS: Family("counter", "Rows predicted."),
    TOTAL_SECONDS: Family("histogram", "From the request's last byte to its answer.", SECONDS_BOUNDS),
    QUEUE_SECONDS: Family("histogram", "Waiting for a batch or a model host.", SECONDS_BOUNDS),
    MODEL_SECONDS: Family("histogram", "In the model, for the batch the request was in.", SECONDS_BOUNDS),
    BATCH_ROWS: Family("histogram", "Rows per call of the model.", ROWS_BOUNDS),
    UNUSUAL: Family("counter", "Rows answered with a value that training did not see, by column (policy warn)."),
    DROPPED: Family("counter", "Records that were lost: no room, a full disk."),
    REFUSED_SERIES: Family("counter", "Series that are not shown, for want of room."),
    CONNECTIONS: Family("gauge", "Open connections."),
    IN_FLIGHT: Family("gauge", "Requests being answered."),
    WORKERS: Family("gauge", "Living workers."),
    OLD_CERTIFICATE: Family("gauge", "Workers that keep an older certificate, since the files in place are damaged."),
}
GAUGES = frozenset(name for name, family in FAMILIES.items() if family.kind == "gauge")


class Metrics:
    """This worker's counters, in `folder/worker.mmap`. For one thread; no method raises."""

    def __init__(self, folder: Path, worker: str, *, names_bytes: int = NAMES_BYTES, values: int = VALUES) -> None:
        self._tidy(folder)
        self._file = SeriesFile(
            folder / f"{worker}{SUFFIX}",
            names_bytes=names_bytes,
            values=values,
            longest=max(family.length for family in FAMILIES.values()),
        )
        self._values = self._file.values
        self._refused_series = self._file.place(REFUSED_SERIES)
        self._connections = self._file.place(CONNECTIONS)
        self._in_flight = self._file.place(IN_FLIGHT)
        self._dropped = self._file.place(DROPPED)
        self._old_certificate = self._file.place(OLD_CERTIFICATE)
        self._variants: dict[tuple[str, str], VariantMetrics] = {}

    def variant(self, endpoint: str, version: str) -> "VariantMetrics":
        """The counters of one version behind one endpoint; the same object for the same names.

        Both are names that exist: what a client made up goes under the empty endpoint and version.
        """
        found = self._variants.get((endpoint, version))
        if found is None:
            found = self._variants[endpoint, version] = VariantMetrics(self, endpoint, version)
        return found

    def connections(self, now: int) -> None:
        """How many connections are open."""
        self._values[self._connections] = float(now)

    def in_flight(self, now: int) -> None:
        """How many requests are being answered."""
        self._values[self._in_flight] = float(now)

    def records_dropped(self, total: int) -> None:
        """How many records this worker has lost since it started."""
        self._values[self._dropped] = float(total)

    def old_certificate(self, is_old: bool) -> None:
        """Whether this worker cannot use the certificate that is in place now."""
        self._values[self._old_certificate] = float(is_old)

    def place(self, name: str, labels: Labels) -> int:
        """Where a series of a family in FAMILIES has its values."""
        place = self._file.place(name, labels, FAMILIES[name].length)
        self._values[self._refused_series] = float(self._file.refused)
        return place

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


class VariantMetrics:
    """The counters of one version behind one endpoint, every place looked up beforehand."""

    __slots__ = (
        "_batches", "_labels", "_metrics", "_model", "_queue", "_rows", "_statuses", "_total", "_values",
    )  # fmt: skip

    def __init__(self, metrics: Metrics, endpoint: str, version: str) -> None:
        labels = (("endpoint", endpoint), ("version", version))
        self._metrics = metrics
        self._labels = labels
        self._values = metrics.values
        self._statuses: dict[tuple[int, str], int] = {}
        self._total = metrics.place(TOTAL_SECONDS, labels)
        self._queue = metrics.place(QUEUE_SECONDS, labels)
        self._model = metrics.place(MODEL_SECONDS, labels)
        self._batches = metrics.place(BATCH_ROWS, labels)
        self._rows = metrics.place(ROWS, labels)

    def count(self, status: int, reason: str = "", by: int = 1) -> None:
        """So many more answers with this status; `reason` is the error's code."""
        place = self._statuses.get((status, reason))
        if place is None:
            labels = (*self._labels, ("status", str(status)), ("reason", reason))
            place = self._statuses[status, reason] = self._metrics.place(REQUESTS, labels)
        self._values[place] += by

    def observe(self, total_s: float, queue_s: float, model_s: float, rows: int) -> None:
        """The seconds of one answered request of so many rows: altogether, waiting, in the model."""
        values = self._values
        place = self._total
        values[place] += total_s
        values[place + 1 + bisect_left(SECONDS_BOUNDS, total_s)] += 1.0
        place = self._queue
        values[place] += queue_s
        values[place + 1 + bisect_left(SECONDS_BOUNDS, queue_s)] += 1.0
        place = self._model
        values[place] += model_s
        values[place + 1 + bisect_left(SECONDS_BOUNDS, model_s)] += 1.0
        values[self._rows] += rows

    def answered(self, totals_s: list[float], queues_s: list[float], model_s: float, rows: int) -> None:
        """Requests that one call of the model answered with 200: `count` and `observe` for all of them."""
        values, count = self._values, len(totals_s)
        self.count(200, by=count)
        for place, seconds in ((self._total, totals_s), (self._queue, queues_s)):
            values[place] += sum(seconds)
            for second in seconds:
                values[place + 1 + bisect_left(SECONDS_BOUNDS, second)] += 1.0
        place = self._model
        values[place] += model_s * count
        values[place + 1 + bisect_left(SECONDS_BOUNDS, model_s)] += count
        values[self._rows] += rows

    def batch(self, rows: int) -> None:
        """One call of the model with so many rows."""
        place = self._batches
        self._values[place] += rows
        self._values[place + 1 + bisect_left(ROWS_BOUNDS, rows)] += 1.0


def totals(folder: Path) -> Totals:
    """Every series added up over the node's workers; counters of the dead count on, their gauges do not."""
    workers, found = read_all(folder)
    for worker in workers:
        add(found, {key: values for key, values in worker.series.items() if worker.alive or key[0] not in GAUGES})
    found[WORKERS, ()] = [float(sum(worker.alive for worker in workers))]
    return found


def render(folder: Path) -> bytes:
    """All metrics of the node as Prometheus text, version 0.0.4."""
    by_family: dict[str, list[tuple[Labels, list[float]]]] = {}
    for (name, labels), values in sorted(totals(folder).items()):
        by_family.setdefault(name, []).append((labels, values))
    lines: list[str] = []
    for name, family in FAMILIES.items():
        if name in by_family:
            lines += (f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}")
            for labels, values in by_family[name]:
                lines += _samples(name, family, labels, values)
    return "\n".join([*lines, ""]).encode()


def _samples(name: str, family: Family, labels: Labels, values: list[float]) -> list[str]:
    if len(values) != family.length:
        return []  # counted by a release with other buckets
    if not family.bounds:
        return [f"{name}{_braces(labels)} {_number(values[0])}"]
    lines, count = [], 0.0
    for bound, value in zip((*(repr(bound) for bound in family.bounds), "+Inf"), values[1:], strict=True):
        count += value
        lines.append(f"{name}_bucket{_braces((*labels, ('le', bound)))} {_number(count)}")
    return [*lines, f"{name}_sum{_braces(labels)} {values[0]!r}", f"{name}_count{_braces(labels)} {_number(count)}"]


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
