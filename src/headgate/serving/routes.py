"""Route tables in force: each endpoint takes its newest table in a task of its own, and one never waits for another.

A version is loaded, proven and warm before one assignment swaps it in; the old one is let go when its last request is
answered. A table that cannot be taken leaves the old one in force.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from headgate.bundle.manifest import Manifest
from headgate.crashes import CallMarks
from headgate.errors import HeadgateError, ModelError
from headgate.home import Home, awaited_path
from headgate.records import LoadFailure, RouteTable, Variant
from headgate.serving.hosts.pool import HostedModel
from headgate.serving.loading import Loaded, load_inline, manifest_of
from headgate.serving.predict import LiveEndpoint
from headgate.settings import Settings

Compose = Callable[[RouteTable, "Models"], LiveEndpoint]
DRAIN_POLL_SECONDS = 0.05
log = logging.getLogger("headgate.serving")

Key = tuple[str, str, str]  # digest, form, placement
_tables = msgspec.json.Decoder(RouteTable)


def key_of(variant: Variant) -> Key:
    """What makes two variants the same model."""
    return (variant.digest, variant.form, variant.placement)


def replaces(table: RouteTable, known: RouteTable | None) -> bool:
    """Whether a table on disk is newer; one as high differs when this node runs a version elsewhere now."""
    if known is None or table.number > known.number:
        return True
    return table.number == known.number and table != known


# name, inode, size and time of the last change (ns)
FileState = tuple[str, int, int, int]


def state_of(path: Path) -> FileState:
    """What differs when a file is another one or was written to."""
    found = path.stat()
    return (path.name, found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Held:
    """A model that can be asked, inside this process or in hosts."""

    manifest: Manifest
    model: Loaded | HostedModel

    def close(self) -> None:
        """Let go of it."""
        model = self.model.model if isinstance(self.model, Loaded) else self.model
        model.close()


class Models:
    """The models that this worker holds, each once, however many tables name it."""

    def __init__(self, home: Home, settings: Settings, marks: CallMarks) -> None:
        self._home = home
        self._settings = settings
        self._marks = marks
        self._held: dict[Key, Held] = {}
        # two endpoints that need one model load it once
        self._locks: dict[Key, asyncio.Lock] = {}
        # a load that hangs keeps its thread; others must not queue behind it
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="load")

    def __getitem__(self, variant: Variant) -> Held:
        """What `hold` has loaded for a variant."""
        return self._held[key_of(variant)]

    @property
    def digests(self) -> tuple[str, ...]:
        """The bundles that are loaded."""
        return tuple(sorted({digest for digest, _, _ in self._held}))

    async def hold(self, variant: Variant) -> None:
        """Load the variant's model unless it is there; raises the reason why it cannot be."""
        key = key_of(variant)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._held:
                self._held[key] = await self._load(variant)

    def keep_only(self, needed: set[Key]) -> None:
        """Let go of every model that no table in force, loading or draining needs."""
        for key in self._held.keys() - needed:
            self._held.pop(key).close()
            self._locks.pop(key, None)

    async def _load(self, variant: Variant) -> Held:
        loop = asyncio.get_running_loop()
        if variant.placement == "inline":
            mark = self._marks.mark(variant.digest, "")
            loaded = await loop.run_in_executor(self._threads, load_inline, self._home.cache, variant, mark)
            return Held(loaded.manifest, loaded)
        manifest = await loop.run_in_executor(self._threads, manifest_of, self._home.cache, variant)
        hosted = HostedModel(self._home.run, variant.digest)
        try:
            # the hosts have asked the golden requests themselves before they listen
            await hosted.ready(time.monotonic() + self._settings.load_seconds)
        except BaseException:
            hosted.close()
            raise
        return Held(manifest, hosted)


class Routes:
    """All endpoints of this worker."""

    def __init__(
        self, home: Home, settings: Settings, marks: CallMarks, compose: Compose, changed: Callable[[], None]
    ) -> None:
        self._home = home
        self._settings = settings
        self._compose = compose
        self._changed = changed
        self._models = Models(home, settings, marks)
        # the newest table of each endpoint on disk, whether in force or not
        self.known: dict[str, RouteTable] = {}
        self.live: dict[str, LiveEndpoint] = {}
        self.failures: dict[str, LoadFailure] = {}
        # whether the first tables of a control plane are still to come
        self.awaited = False
        self._unreadable: set[str] = set()
        self._read: dict[FileState, RouteTable] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._draining: set[asyncio.Task[None]] = set()
        self._taking: dict[str, RouteTable] = {}
        self._leaving: list[LiveEndpoint] = []

    @property
    def ready(self) -> bool:
        """Does every table on disk answer, or an older one of its endpoint, and are all there?"""
        return not self.awaited and not self._unreadable and all(endpoint in self.live for endpoint in self.known)

    @property
    def digests(self) -> tuple[str, ...]:
        """The bundles that are loaded."""
        return self._models.digests

    @property
    def drains(self) -> tuple[str, ...]:
        """The bundles in hosts that an older table still needs for what it has let in."""
        return tuple(
            sorted(
                {
                    variant.digest
                    for endpoint in self._leaving
                    for variant in endpoint.table.variants
                    if variant.placement == "host"
                }
            )
        )

    def refresh(self) -> None:
        """Look at the tables on disk; loading goes on in the background."""
        # before the tables: once it is gone, all of them are there
        self.awaited = awaited_path(self._home).exists()
        found = self._read_tables()
        for endpoint, table in found.items():
            if replaces(table, self.known.get(endpoint)):
                self.known[endpoint] = table
        for endpoint in [
            endpoint for endpoint in self.known if endpoint not in found | dict.fromkeys(self._unreadable)
        ]:
            self._forget(endpoint)
        for endpoint in self.known:
            if not self._in_force(endpoint) and endpoint not in self._loading:
                self._loading[endpoint] = asyncio.get_running_loop().create_task(self._take(endpoint))
        self._changed()

    async def settled(self) -> None:
        """Wait until nothing is being loaded."""
        while self._loading:
            await asyncio.wait(self._loading.values())

    def close(self) -> None:
        """Let go of every model."""
        for task in (*self._loading.values(), *self._draining):
            task.cancel()
        self._models.keep_only(set())

    def _in_force(self, endpoint: str) -> bool:
        live = self.live.get(endpoint)
        known = self.known[endpoint]
        return live is not None and (live.table.number > known.number or live.table == known)

    def _read_tables(self) -> dict[str, RouteTable]:
        self._unreadable = set()
        self.failures = {endpoint: failure for endpoint, failure in self.failures.items() if failure.generation}
        read: dict[FileState, RouteTable] = {}
        for path in sorted(self._home.routes.glob("*.json")):
            try:
                state = state_of(path)
                # a new table is a new file: most were read before
                read[state] = self._read.get(state) or _tables.decode(path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
                log.error("the route table %s cannot be read: %s", path, error)
                self._unreadable.add(path.stem)
                reason = f"{path.name}: {error}"
                self.failures[path.stem] = LoadFailure(epoch=0, generation=0, version="", reason=reason)
        self._read = read
        return {table.endpoint: table for table in read.values()}

    async def _take(self, endpoint: str) -> None:
        """Bring the newest table in force, and the next one if it came meanwhile."""
        try:
            while endpoint in self.known and not self._in_force(endpoint):
                table = self._taking[endpoint] = self.known[endpoint]
                try:
                    await self._apply(table)
                except HeadgateError as error:
                    self._fail(table, error)
                    # a newer table may have come; the same one is tried again when we are told to look again
                    if self.known.get(endpoint) is table:
                        return
        finally:
            del self._loading[endpoint]
            self._taking.pop(endpoint, None)  # it may be gone before it was ever looked at
            self._let_models_go()
            self._changed()

    async def _apply(self, table: RouteTable) -> None:
        try:
            async with asyncio.timeout(self._settings.load_seconds):
                await asyncio.gather(*(self._models.hold(variant) for variant in table.variants))
            if self.known.get(table.endpoint) is not table:
                return  # deleted or taken back meanwhile: nobody is to be answered by it any more
            live = self._compose(table, self._models)
        except HeadgateError:
            raise
        except TimeoutError:
            raise ModelError(f"It was not loaded after {self._settings.load_seconds:g} s.") from None
        except Exception as error:
            # the reason travels to whoever deployed it; the old table stays in force
            log.exception("the table of %s cannot be taken", table.endpoint)
            raise ModelError(f"It cannot be loaded: {type(error).__name__}: {error}") from error
        old = self.live.get(table.endpoint)
        self.live[table.endpoint] = live
        self.failures.pop(table.endpoint, None)
        self._drain(old)
        self._changed()

    def _fail(self, table: RouteTable, error: HeadgateError) -> None:
        log.error("%s: table %s cannot be taken: %s", table.endpoint, table.number, error.message)
        versions = ", ".join(variant.version for variant in table.variants)
        self.failures[table.endpoint] = LoadFailure(
            epoch=table.epoch, generation=table.generation, version=versions, reason=f"{error.code}: {error.message}"
        )
        self._changed()

    def _forget(self, endpoint: str) -> None:
        del self.known[endpoint]
        self.failures.pop(endpoint, None)
        self._drain(self.live.pop(endpoint, None))

    def _drain(self, old: LiveEndpoint | None) -> None:
        if old is None:
            return
        self._leaving.append(old)
        task = asyncio.get_running_loop().create_task(self._let_go(old))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _let_go(self, old: LiveEndpoint) -> None:
        while old.bodies.busy or any(variant.calls.busy for variant in old.variants):
            await asyncio.sleep(DRAIN_POLL_SECONDS)
        self._leaving.remove(old)
        self._let_models_go()

    def _let_models_go(self) -> None:
        tables = [endpoint.table for endpoint in (*self.live.values(), *self._leaving)]
        tables += self._taking.values()
        self._models.keep_only({key_of(variant) for table in tables for variant in table.variants})
