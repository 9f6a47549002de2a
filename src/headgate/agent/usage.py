"""Whose model hosts are still needed: a worker behind the newest table goes on calling the hosts of its older one, and
one that has the newest still answers by the older what it has let in before.
"""

from collections.abc import Iterable

from headgate.records import Limits, RouteTable, WorkerReport

Number = tuple[int, int]
GRACE_SECONDS = 10.0  # beyond the longest deadline, until a drain counts as one that never ends


def hosted(table: RouteTable) -> frozenset[str]:
    """Digests that the table places in model hosts."""
    return frozenset(variant.digest for variant in table.variants if variant.placement == "host")


class HostUse:
    """Remembers which hosts each table needs, for as long as a worker answers by it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Number], frozenset[str]] = {}
        # of any table so far
        self._longest_ms = Limits().timeout_ms
        # what only drains need, and since when
        self._draining: dict[str, float] = {}

    def learn(self, table: RouteTable) -> None:
        self._known[table.endpoint, table.number] = hosted(table)
        self._longest_ms = max(self._longest_ms, table.spec.limits.timeout_ms)

    def needed(
        self, tables: Iterable[RouteTable], reports: Iterable[WorkerReport | None], now: float
    ) -> set[str] | None:
        """Digests that the tables, or any living worker, need; None while a worker's needs are not known.

        A worker that has not reported yet has read the tables before us or with us; one of a killed agent may answer
        by a table that nobody here remembers.
        """
        current = {(table.endpoint, table.number) for table in tables}
        in_use, drains = set(current), set[str]()
        for report in reports:
            if report is None:
                return None
            in_use |= {(endpoint, (number[0], number[1])) for endpoint, number in report.generations.items()}
            drains.update(report.drains)
        if not in_use <= self._known.keys():
            return None
        self._known = {key: digests for key, digests in self._known.items() if key in in_use}
        needed = {digest for digests in self._known.values() for digest in digests}
        return needed | self._drained(drains - needed, now)

    def _drained(self, digests: set[str], now: float) -> set[str]:
        """Of those that only drains need, the ones for which somebody may still wait."""
        self._draining = {digest: self._draining.get(digest, now) for digest in digests}
        longest = self._longest_ms / 1000 + GRACE_SECONDS
        return {digest for digest, since in self._draining.items() if now - since <= longest}
