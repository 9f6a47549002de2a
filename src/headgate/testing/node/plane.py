"""What the fake control plane says: tables, bundles, and what goes wrong. See `control.py` for the files."""

from pathlib import Path
from typing import Any

import msgspec

from headgate.bundle.bundle import open_bundle
from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.home import write_atomically
from headgate.records import AccessTable, Column, NodeTables, Placement, RouteTable, Signature, Variant
from headgate.testing.bundles import write_bundle


class Plane:
    """A folder that tests write and the fake control plane reads, whether or not it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bundles").mkdir(parents=True)
        self._tables = NodeTables(cursor=1, routes=(), access=AccessTable(epoch=1, number=1))
        self.say()

    def bundle(self, name: str, cache: Path | None = None, runtime: str = "fake") -> str:
        """The digest of a new bundle: one to be fetched, or one that is in the node's cache already."""
        manifest = Manifest(
            name=name,
            framework="python",
            task="other",
            signature=Signature(inputs=(Column(name="x", dtype="float64"),)),
            forms={"native": Form(runtime=runtime, path="model.txt")},
            serves="native",
            environment=Environment(python="3.11"),
            files={},
        )
        built = write_bundle(cache or self.folder / "made", manifest, {"model.txt": name.encode()})
        if cache is None:
            self.offer(built.folder)
        return built.digest

    def offer(self, folder: Path) -> None:
        """Hand the bundle in this folder out to nodes."""
        bundle = open_bundle(folder)
        bundle.pack(self.folder / "bundles" / f"{bundle.digest}.hgb")

    def publish(self, *tables: RouteTable) -> None:
        """These tables, besides those of other endpoints."""
        routes = {table.endpoint: table for table in self._tables.routes} | {table.endpoint: table for table in tables}
        self.say(routes=tuple(routes.values()))

    def withdraw(self, *kept: str) -> None:
        """No endpoints but these."""
        self.say(routes=tuple(table for table in self._tables.routes if table.endpoint in kept))

    def say(self, **changes: Any) -> None:
        """Change a part of what it says."""
        self._tables = msgspec.structs.replace(self._tables, cursor=self._tables.cursor + 1, **changes)
        write_atomically(self.folder / "tables.json", msgspec.json.encode(self._tables))

    def fetches(self, digest: str) -> int:
        """How many times the bundle was asked for."""
        log = self.folder / "requests.log"
        return log.read_text().splitlines().count(digest) if log.exists() else 0


def table(
    endpoint: str, generation: int, digest: str, version: str = "m:1", placement: Placement = "inline", epoch: int = 1
) -> RouteTable:
    """One version answers alone."""
    variant = Variant(version=version, digest=digest, form="native", placement=placement)
    return RouteTable(
        endpoint=endpoint, epoch=epoch, generation=generation, contract=Signature(inputs=()), variants=(variant,)
    )
