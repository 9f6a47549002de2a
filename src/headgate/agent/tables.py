"""The node's tables on disk: what a worker, or a whole node, starts from with nothing else alive."""

import logging
from pathlib import Path
from typing import TypeVar

import msgspec

from headgate.home import Home, awaited_path, sync_folder, write_atomically
from headgate.names import validate_name
from headgate.records import AccessTable, RouteTable

logger = logging.getLogger(__name__)
Table = TypeVar("Table", RouteTable, AccessTable)
_routes = msgspec.json.Decoder(RouteTable)
_access = msgspec.json.Decoder(AccessTable)
_previous = msgspec.json.Decoder(dict[str, list[str]])


class Tables:
    """Route and access tables as this node has them. No table is ever replaced by a lower one."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._routes = self._read_routes()
        self._previous = _read_previous(home)
        self._access = _read(home.access, _access)

    @property
    def routes(self) -> dict[str, RouteTable]:
        """Endpoint → the table on disk."""
        return dict(self._routes)

    @property
    def awaited(self) -> bool:
        """Whether nothing is known yet, or only a part of what the first control plane has said."""
        return awaited_path(self._home).exists()

    def await_first(self) -> None:
        """A node without tables does not know what it is to answer; one that has them starts from them."""
        if not self._routes and self._access is None:
            awaited_path(self._home).touch(mode=0o600)

    def first_taken(self) -> None:
        """What there is, is on disk, or was tried."""
        awaited_path(self._home).unlink(missing_ok=True)

    @property
    def epoch(self) -> int:
        """The highest epoch seen: a control plane below it was restored from an older backup and removes nothing."""
        epochs = [table.epoch for table in self._routes.values()]
        return max([*epochs, self._access.epoch if self._access else 0])

    def digests(self) -> set[str]:
        """Every bundle that the tables need."""
        return {variant.digest for table in self._routes.values() for variant in table.variants}

    def previous_digests(self) -> set[str]:
        """Every bundle that the tables before these needed: what going back asks for."""
        return {digest for digests in self._previous.values() for digest in digests}

    def is_newer(self, table: RouteTable) -> bool:
        known = self._routes.get(table.endpoint)
        return known is None or table.number > known.number

    def write(self, table: RouteTable) -> bool:
        """Put the table in force on disk; False when it, or a higher one, is there. Raises `InvalidName`.

        One as high differs in where this node runs a version, and in nothing else.
        """
        known = self._routes.get(table.endpoint)
        if known is not None and (table.number < known.number or table == known):
            return False
        path = self._path(table.endpoint)
        if known is not None and (before := _digests(known)) != _digests(table):
            self._remember(table.endpoint, before)
        write_atomically(path, msgspec.json.encode(table))
        self._routes[table.endpoint] = table
        return True

    def remove(self, endpoint: str) -> None:
        """Forget the endpoint; it is as if it had never been."""
        self._path(endpoint).unlink(missing_ok=True)
        sync_folder(self._home.routes)
        self._routes.pop(endpoint, None)
        if endpoint in self._previous:
            self._remember(endpoint, [])

    def write_access(self, table: AccessTable) -> bool:
        """Put the access table in force on disk; False when one as high is there."""
        known = self._access
        if known is not None and (table.epoch, table.number) <= (known.epoch, known.number):
            return False
        write_atomically(self._home.access, msgspec.json.encode(table))
        self._access = table
        return True

    def _remember(self, endpoint: str, digests: list[str]) -> None:
        kept = {name: before for name, before in self._previous.items() if name != endpoint}
        self._previous = kept | ({endpoint: digests} if digests else {})
        write_atomically(self._home.previous, msgspec.json.encode(self._previous))

    def _read_routes(self) -> dict[str, RouteTable]:
        found = [_read(path, _routes) for path in sorted(self._home.routes.glob("*.json"))]
        return {table.endpoint: table for table in found if table is not None}

    def _path(self, endpoint: str) -> Path:
        return self._home.routes / f"{validate_name(endpoint, 'endpoint')}.json"


def _digests(table: RouteTable) -> list[str]:
    return sorted({variant.digest for variant in table.variants})


def _read_previous(home: Home) -> dict[str, list[str]]:
    try:
        return _previous.decode(home.previous.read_bytes())
    except (OSError, ValueError):
        # it saves a download, no more
        return {}


def _read(path: Path, decoder: msgspec.json.Decoder[Table]) -> Table | None:
    """The table, or None; one that cannot be read is replaced by whatever the control plane sends next."""
    try:
        return decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.error("expected a table in %s, got: %s; it is passed over until a new one comes", path, error)
        return None
