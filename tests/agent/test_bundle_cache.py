"""The node's cache of bundles: whole, verified, fetched once, and never larger than it has to be."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest

from headgate.agent.bundles import Bundles
from headgate.agent.loop import Loop
from headgate.bundle.bundle import open_bundle
from headgate.errors import HeadgateError, Malformed, Unavailable, Unreachable
from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.node.plane import Plane

Outcome = list[HeadgateError | None]


class Store:
    """What bundles are downloaded from, and a cache that downloads from it."""

    def __init__(self, folder: Path) -> None:
        self.plane = Plane(folder / "plane")
        self.home = Home(folder / "home").create()
        self.loop = Loop()
        self.needed: set[str] | None = set()
        self.asked: list[str] = []
        self.download: Callable[[str, BinaryIO], None] = self.hand_out
        self.limit()

    def limit(self, **settings: float) -> None:
        """A cache over the same folder that keeps to these settings."""
        chosen = msgspec.convert(settings, Settings)
        self.cache = Bundles(self.loop, self.home, lambda *given: self.download(*given), lambda: self.needed, chosen)

    def hand_out(self, digest: str, target: BinaryIO) -> None:
        self.asked.append(digest)
        target.write((self.plane.folder / "bundles" / f"{digest}.hgb").read_bytes())

    def ensure(self, *digests: str) -> Outcome:
        """The outcome of asking for each, in order."""
        outcome: dict[int, HeadgateError | None] = {}
        for place, digest in enumerate(digests):
            self.cache.ensure(digest, partial(outcome.__setitem__, place))
        while len(outcome) < len(digests):
            self.loop.turn(0.05)
        # what was posted beside it
        self.loop.turn(0.01)
        return [outcome[place] for place in range(len(digests))]

    def names(self) -> set[str]:
        return {path.name for path in self.home.cache.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.loop.close()


def test_a_bundle_is_fetched_verified_and_there_as_a_whole(store: Store) -> None:
    digest = store.plane.bundle("good")
    assert store.ensure(digest) == [None]
    assert open_bundle(store.home.cache / digest).digest == digest
    assert store.names() == {digest}
    assert store.ensure(digest) == [None]
    assert store.asked == [digest]


def test_all_who_ask_at_once_share_one_download(store: Store) -> None:
    first, second = store.plane.bundle("first"), store.plane.bundle("second")
    both = threading.Barrier(2, timeout=10)

    def together(digest: str, target: BinaryIO) -> None:
        # passes only when both bundles are under way at the same time
        both.wait()
        store.hand_out(digest, target)

    store.download = together
    assert store.ensure(first, first, second, first) == [None] * 4
    assert sorted(store.asked) == sorted([first, second])


def test_an_unreachable_store_leaves_nothing_behind(store: Store) -> None:
    digest = store.plane.bundle("good")

    def fail(digest: str, target: BinaryIO) -> None:
        target.write(b"half of it")
        raise Unreachable("gone")

    store.download = fail
    (trouble,) = store.ensure(digest)
    assert isinstance(trouble, Unreachable)
    assert store.names() == set()
    store.download = store.hand_out
    assert store.ensure(digest) == [None]


def test_a_name_that_is_no_digest_touches_nothing(store: Store) -> None:
    (trouble,) = store.ensure("../../etc")
    assert isinstance(trouble, Malformed)
    assert store.asked == []


def test_a_cached_bundle_is_verified_once_and_fetched_again_when_damaged(store: Store) -> None:
    digest = store.plane.bundle("good", cache=store.home.cache)
    assert store.ensure(digest) == [None]
    assert store.asked == []
    damaged = store.plane.bundle("damaged")
    store.plane.bundle("damaged", cache=store.home.cache)
    (store.home.cache / damaged / "extra").touch()
    assert store.ensure(damaged) == [None]
    assert store.asked == [damaged]
    assert not (store.home.cache / damaged / "extra").exists()


def aged(store: Store, days: int) -> list[str]:
    """Bundles in the cache: the first was used that many days ago, each of the others a day later."""
    digests = [store.plane.bundle(f"b{number}", cache=store.home.cache) for number in range(days)]
    for number, digest in enumerate(digests):
        moment = time.time() - (days - number) * 86_400
        os.utime(store.home.cache / digest, (moment, moment))
    return digests


def test_bundles_that_nobody_needs_leave_when_they_are_old(store: Store) -> None:
    digests = aged(store, 8)
    store.limit(cache_days=4.5)
    store.needed = {digests[0]}
    (store.home.cache / "something-else").mkdir()
    store.cache.prune()
    # the first is the oldest, and needed
    assert store.names() == {digests[0], *digests[4:], "something-else"}
    # it has been used until now: it is no older than the others when it is not needed any more
    store.needed = set()
    store.cache.prune()
    assert digests[0] in store.names()


def test_bundles_beyond_the_bytes_leave_least_recently_used_first(store: Store) -> None:
    digests = aged(store, 6)
    sizes = [sum(path.stat().st_size for path in (store.home.cache / each).rglob("*")) for each in digests]
    store.needed = {digests[0], digests[1]}
    store.limit(cache_bytes=sum(sizes[:2]) + sizes[5] + sizes[4])
    store.cache.prune()
    assert store.names() == {digests[0], digests[1], digests[4], digests[5]}
    # needed ones stay, however little room there is
    store.limit(cache_bytes=1)
    store.cache.prune()
    assert store.names() == {digests[0], digests[1]}


def test_nothing_leaves_while_it_is_not_known_what_serves(store: Store) -> None:
    digests = aged(store, 3)
    store.needed = None
    store.limit(cache_bytes=0, cache_days=0)
    store.cache.prune()
    store.cache.prune(room=True)
    assert store.names() == set(digests)


def test_what_is_fetched_at_this_moment_stays(store: Store) -> None:
    digest = store.plane.bundle("b", cache=store.home.cache)
    store.limit(cache_bytes=0, cache_days=0)
    outcome: Outcome = []
    store.cache.ensure(digest, outcome.append)
    store.cache.prune()
    assert store.names() == {digest}
    while not outcome:
        store.loop.turn(0.05)
    assert outcome == [None]
    store.cache.prune()
    assert store.names() == set()


def test_a_full_disk_makes_room_before_the_next_attempt(store: Store) -> None:
    kept, idle = (store.plane.bundle(name, cache=store.home.cache) for name in ("kept", "idle"))
    store.needed = {kept}

    def full(digest: str, target: BinaryIO) -> None:
        cause = OSError(errno.ENOSPC, "No space left on device")
        raise Unavailable(f"Expected room, got: {cause}.") from cause

    store.download = full
    (trouble,) = store.ensure(store.plane.bundle("new"))
    assert isinstance(trouble, Unavailable)
    assert "No space left" in trouble.message
    assert store.names() == {kept}
    assert idle not in store.names()


def test_what_a_killed_agent_left_is_swept_away(store: Store) -> None:
    digest = store.plane.bundle("good", cache=store.home.cache)
    (store.home.cache / ".incoming-x").mkdir()
    (store.home.cache / ".incoming-x.hgb").touch()
    (store.home.cache / "..incoming-y.123").mkdir()
    store.cache.sweep()
    assert store.names() == {digest}
