"""The node's cache of bundles: `cache/<digest>/`, unpacked and verified; nothing half is ever seen there."""

import errno
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from headgate.agent.loop import Loop
from headgate.bundle.bundle import Bundle, open_bundle, read_manifest
from headgate.errors import Corrupt, HeadgateError, Malformed, Unavailable
from headgate.home import Home
from headgate.settings import Settings

logger = logging.getLogger(__name__)

INCOMING = ".incoming-"
TOUCH_SECONDS = 3600.0
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)

# streams the `.hgb` of a digest into the file; raises HeadgateError
Download = Callable[[str, BinaryIO], None]
Fetched = Callable[[HeadgateError | None], None]
# digests that must stay; None while that is not known
Needed = Callable[[], set[str] | None]


class Bundles:
    """Sees to it that a bundle is in the cache: one download per digest however many ask, each in its own thread."""

    def __init__(self, loop: Loop, home: Home, download: Download, needed: Needed, settings: Settings) -> None:
        self._most_bytes = settings.cache_bytes
        self._longest_seconds = settings.cache_days * 86_400
        self._sizes: dict[str, int] = {}
        self._loop = loop
        self._needed = needed
        self._cache = home.cache
        self._download = download
        self._waiting: dict[str, list[Fetched]] = {}
        self._checked: set[str] = set()

    def sweep(self) -> None:
        """Remove what a killed agent left half done."""
        for left in self._cache.glob(".*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def ensure(self, digest: str, done: Fetched) -> None:
        """Have the bundle in the cache, then call `done` in the loop's thread with None or why not."""
        if digest in self._checked and (self._cache / digest).is_dir():
            done(None)
        elif digest in self._waiting:
            self._waiting[digest].append(done)
        else:
            self._waiting[digest] = [done]
            threading.Thread(target=self._obtain, args=(digest,), name=f"fetch-{digest[:8]}", daemon=True).start()

    def prune(self, room: bool = False) -> None:
        """Remove what nothing needs: what is too old or beyond the bytes, least recently used first; for `room`, all.

        What serves, what a current table needs and what going back from it needs always stays.
        """
        needed = self._needed()
        if needed is None:
            return
        kept = needed | self._waiting.keys()
        cached = [path for path in self._cache.iterdir() if _DIGEST.fullmatch(path.name)]
        used = sum(self._size(path) for path in cached if path.name in kept)
        idle = [(path.stat().st_mtime, path) for path in cached if path.name not in kept]
        self._touch(path for path in cached if path.name in kept)
        for last_used, path in sorted(idle, reverse=True):
            used += self._size(path)
            if room or used > self._most_bytes or time.time() - last_used > self._longest_seconds:
                used -= self._size(path)
                self._remove(path)

    def _remove(self, path: Path) -> None:
        logger.info("bundle %s is not needed any more and leaves the cache", path.name[:12])
        self._checked.discard(path.name)
        self._sizes.pop(path.name, None)
        # renamed first: a bundle is there as a whole or not at all
        shutil.rmtree(path.rename(path.with_name(f"{INCOMING}{path.name}")))

    def _size(self, path: Path) -> int:
        if path.name not in self._sizes:
            self._sizes[path.name] = sum(each.lstat().st_size for each in path.rglob("*"))
        return self._sizes[path.name]

    def _touch(self, paths: Iterable[Path]) -> None:
        """Used until now, to the hour."""
        for path in paths:
            if time.time() - path.stat().st_mtime > TOUCH_SECONDS:
                os.utime(path)

    def _obtain(self, digest: str) -> None:
        """In its own thread: verify what is there, or fetch it."""
        trouble: HeadgateError | None = None
        try:
            self._verify_or_fetch(digest)
        except HeadgateError as error:
            trouble = error
        except OSError as error:
            trouble = Unavailable(f"Expected to write bundle {digest[:12]} to {self._cache}, got: {error}.")
            trouble.__cause__ = error
        if trouble is not None and getattr(trouble.__cause__, "errno", None) == errno.ENOSPC:
            # before it is tried again
            self._loop.post(lambda: self.prune(room=True))
        self._loop.post(lambda: self._settle(digest, trouble))

    def _verify_or_fetch(self, digest: str) -> None:
        if not _DIGEST.fullmatch(digest):
            raise Malformed(f"Expected a bundle's sha256 in hex, got {digest[:80]!r}.")
        folder = self._cache / digest
        if folder.is_dir():
            try:
                _expect(digest, open_bundle(folder))
            except HeadgateError as error:
                logger.error("cached bundle %s is damaged and is fetched again: %s", digest[:12], error)
                shutil.rmtree(folder)
            else:
                # most recently used, for `prune`
                os.utime(folder)
                return
        self._fetch(digest, folder)

    def _fetch(self, digest: str, folder: Path) -> None:
        archive = self._cache / f"{INCOMING}{digest}.hgb"
        staging = self._cache / f"{INCOMING}{digest}"
        try:
            archive.unlink(missing_ok=True)
            with os.fdopen(os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                self._download(digest, file)
            shutil.rmtree(staging, ignore_errors=True)
            _expect(digest, open_bundle(archive, staging))
            staging.rename(folder)
        finally:
            archive.unlink(missing_ok=True)
            shutil.rmtree(staging, ignore_errors=True)

    def _settle(self, digest: str, trouble: HeadgateError | None) -> None:
        if trouble is None:
            self._checked.add(digest)
        for done in self._waiting.pop(digest):
            done(trouble)


def cached_bundle(home: Home, digest: str) -> Bundle:
    """The bundle in the cache, its manifest that of the digest; its files are not looked at. Raises `HeadgateError`."""
    folder = home.cache / digest
    bundle = Bundle(folder, *read_manifest(folder))
    _expect(digest, bundle)
    return bundle


def _expect(digest: str, bundle: Bundle) -> None:
    if bundle.digest != digest:
        raise Corrupt(f"Expected bundle {digest}, got {bundle.digest}. Register the version again.")
