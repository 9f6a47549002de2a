"""Versions that have ended workers or hosts, counted over restarts of the agent; two dead workers move one away."""

import logging
from collections.abc import Iterable

import msgspec

from headgate.crashes import read_crashes, write_crashes
from headgate.home import Home
from headgate.records import CrashCount, RouteTable, Variant

logger = logging.getLogger(__name__)

WORKERS = 2  # that a version may end before it runs in hosts of its own
KEPT = 1000  # versions, the newest


class Crashes:
    """Counts, and what they mean for the placement on this node."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._counts = {count.digest: count for count in read_crashes(home)}

    def counts(self) -> tuple[CrashCount, ...]:
        return tuple(self._counts.values())

    def worker_ended(self, variants: Iterable[Variant]) -> bool:
        """These were in call when a worker died; whether one of them has to move now."""
        moves = False
        for variant in variants:
            workers = self._of(variant).workers + 1
            self._note(variant, workers=workers)
            logger.warning("%s was in call when a worker ended (%d times so far)", variant.version, workers)
            if workers == WORKERS:
                logger.warning("%s runs in model hosts on this node from now on", variant.version)
                moves = True
        return moves

    def host_ended(self, variant: Variant) -> None:
        """One of its hosts has crashed."""
        self._note(variant, hosts=self._of(variant).hosts + 1)

    def place(self, table: RouteTable) -> RouteTable:
        """The table, with versions that end workers in hosts."""
        variants = tuple(self._placed(variant) for variant in table.variants)
        return table if variants == table.variants else msgspec.structs.replace(table, variants=variants)

    def _placed(self, variant: Variant) -> Variant:
        moves = variant.placement == "inline" and self._of(variant).workers >= WORKERS
        return msgspec.structs.replace(variant, placement="host") if moves else variant

    def _of(self, variant: Variant) -> CrashCount:
        return self._counts.get(variant.digest) or CrashCount(digest=variant.digest, version=variant.version)

    def _note(self, variant: Variant, **changes: int) -> None:
        count = msgspec.structs.replace(self._of(variant), **changes)
        self._counts.pop(variant.digest, None)
        self._counts[variant.digest] = count
        self._counts = dict(list(self._counts.items())[-KEPT:])
        write_crashes(self._home, self.counts())
