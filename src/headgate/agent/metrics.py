"""What the agent counts, in a file beside those of the workers: any worker shows it, also when the agent is dead."""

import logging
import math
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from headgate.home import Home
from headgate.metering.families import (
    AGENT_STARTED,
    GAUGES,
    HOST_STARTS,
    HOSTS,
    LONGEST,
    WORKER_CRASHES,
    WORKER_STARTS,
)
from headgate.metering.series_file import SUFFIX, Labels, SeriesFile, fold_dead
from headgate.records import HostReport, Variant

NAMES_BYTES = 128 * 1024
VALUES = 4 * 1024
logger = logging.getLogger(__name__)


class AgentMetrics:
    """Starts and ends of workers and hosts. For the loop's thread; no method raises."""

    def __init__(self, home: Home) -> None:
        folder = home.run / "metrics"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fold_dead(folder, GAUGES)
        except OSError as error:
            # their files stay and are still added up
            logger.warning("the metrics of dead processes cannot be folded: %s", error)
        path = folder / f"agent-{secrets.token_hex(4)}{SUFFIX}"
        self._file = SeriesFile(path, names_bytes=NAMES_BYTES, values=VALUES, longest=LONGEST)
        self._versions: dict[str, str] = {}
        self._shown: set[str] = set()
        self._set(AGENT_STARTED, (), time.time())

    def learn(self, variants: Iterable[Variant]) -> None:
        """Which version a digest is."""
        for variant in variants:
            self._versions.setdefault(variant.digest, variant.version)

    def worker_started(self) -> None:
        self._count(WORKER_STARTS)

    def worker_crashed(self) -> None:
        self._count(WORKER_CRASHES)

    def host_started(self, digest: str) -> None:
        self._count(HOST_STARTS, self._version(digest))

    def hosts(self, reports: Iterable[HostReport]) -> None:
        """How many hosts of each version are ready now."""
        now: Counter[str] = Counter()
        for report in reports:
            now[report.digest] += report.ready
        values: Mapping[str, float] = dict.fromkeys(self._shown - now.keys(), math.nan) | now
        for digest, ready in values.items():
            self._set(HOSTS, self._version(digest), float(ready))
        self._shown = set(now)

    def _version(self, digest: str) -> Labels:
        # a host of a killed agent may run a version that no table names any more
        return (("version", self._versions.get(digest, digest[:12])),)

    def _count(self, name: str, labels: Labels = ()) -> None:
        self._file.values[self._file.place(name, labels)] += 1

    def _set(self, name: str, labels: Labels, value: float) -> None:
        self._file.values[self._file.place(name, labels)] = value
