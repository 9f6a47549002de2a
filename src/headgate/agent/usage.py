"""Whose model hosts are still needed: a worker behind the newest table goes on calling the hosts of its older one."""

from collections.abc import Iterable

from headgate.records import RouteTable, WorkerReport

Number = tuple[int, int]


def hosted(table: RouteTable) -> frozenset[str]:
    """Digests that the table places in model hosts."""
    return frozenset(variant.digest for variant in table.variants if variant.placement == "host")


class HostUse:
    """Remembers which hosts each table needs, for as long as a worker answers by it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Number], frozenset[str]] = {}

    def learn(self, table: RouteTable) -> None:
        self._known[table.endpoint, table.number] = hosted(table)

    def needed(self, tables: Iterable[RouteTable], reports: Iterable[WorkerReport | None]) -> set[str] | None:
        """Digests that the tables, or any living worker, need; None while a worker's needs are not known.

        A worker that has not reported yet has read the tables before us or with us; one of a killed agent may answer
        by a table that nobody here remembers.
        """
        current = {(table.endpoint, table.number) for table in tables}
        in_use = set(current)
        for report in reports:
            if report is None:
                return None
            in_use |= {(endpoint, (number[0], number[1])) for endpoint, number in report.generations.items()}
        if not in_use <= self._known.keys():
            return None
        self._known = {key: digests for key, digests in self._known.items() if key in in_use}
        return {digest for digests in self._known.values() for digest in digests}
