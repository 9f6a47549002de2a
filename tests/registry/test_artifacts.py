"""What a collection removes, and what it never does, whoever works at the same time."""

import hashlib
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update
from tests.rollout.world import manifest as a_manifest

from headgate.bundle.manifest import digest_of
from headgate.errors import Malformed, Unavailable
from headgate.ledger.chain import verify_ledger
from headgate.ledger.events import list_events
from headgate.registry.artifacts import Collection, collect, find_missing
from headgate.registry.claims import (
    COLLECTION_SECONDS,
    UPLOAD_SECONDS,
    claim_for_removal,
    claim_for_upload,
    forget_ended,
    give_up,
    still_holds,
    use_up,
)
from headgate.registry.versions import register, retire
from headgate.storage.database import Database
from headgate.storage.schema import artifact_claims, versions
from headgate.storage.stores import StoredArtifact
from headgate.testing.clock import FakeClock
from headgate.testing.store import MemoryStore

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LOOPS = 60


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def put(store: MemoryStore, content: bytes, modified: datetime = LONG_AGO) -> StoredArtifact:
    stored = store.put(io.BytesIO(content))
    store.age(stored.digest, modified)
    return stored


def register_one(
    database: Database, number: int, stored: StoredArtifact, use: Callable[..., None] | None = None
) -> str:
    made = a_manifest(number)
    with database.write() as tx:
        if use is not None:
            use(tx)
        return register(tx, digest_of(made), made, stored, actor="ann").version


def collected(database: Database, store: MemoryStore, **options: object) -> Collection:
    return collect(database, store, actor="ann", **options)  # type: ignore[arg-type]  # as the test says


def claims(database: Database) -> int:
    with database.read() as tx:
        return len(tx.execute(select(artifact_claims)).all())


def test_only_what_is_old_and_belongs_to_no_version_is_removed(
    database: Database, store: MemoryStore, clock: FakeClock
) -> None:
    for number, state in enumerate(("pending", "approved", "rejected", "retired"), 1):
        version = register_one(database, number, put(store, state.encode()))
        with database.write() as tx:
            tx.execute(update(versions).where(versions.c.number == number).values(state=state))
        assert version == f"fraud:{number}"
    young = put(store, b"young", clock.now() - timedelta(hours=23))
    old = put(store, b"old", clock.now() - timedelta(hours=25))
    done = collected(database, store, reason="full")
    assert (done.kept, done.removed, done.bytes, done.missing) == (5, (old.digest,), 3, ())
    assert store.contains(young.digest)
    assert not store.contains(old.digest)
    with database.read() as tx:
        event = list_events(tx, limit=1).items[0]
    assert (event.verb, event.actor, event.reason) == ("artifact.collect", "ann", "full")
    assert event.before == {"artifacts": [old.digest], "bytes": 3}
    assert verify_ledger(database).ok
    assert collected(database, store).removed == ()
    assert claims(database) == 0


def test_a_rehearsal_changes_nothing(database: Database, store: MemoryStore) -> None:
    old = put(store, b"old")
    with database.read() as tx:
        before = list_events(tx).items
    assert collected(database, store, rehearse=True).removed == (old.digest,)
    assert store.contains(old.digest)
    with database.read() as tx:
        assert list_events(tx).items == before


@pytest.mark.parametrize("hours", [-1.0, 1e9, float("nan"), float("inf")])
def test_a_grace_that_is_none_is_refused(database: Database, store: MemoryStore, hours: float) -> None:
    with pytest.raises(Malformed, match="grace"):
        collected(database, store, grace_hours=hours)


def test_a_retired_version_keeps_its_artifact(database: Database, store: MemoryStore) -> None:
    stored = put(store, b"retired")
    register_one(database, 1, stored)
    with database.write() as tx:
        retire(tx, "fraud:1", "ann", "old")
    assert collected(database, store).removed == ()


def test_what_is_missing_is_named(database: Database, store: MemoryStore) -> None:
    stored = put(store, b"wiped")
    register_one(database, 1, stored)
    store.delete(stored.digest)
    assert find_missing(database, store) == collected(database, store).missing == (stored.digest,)


def test_a_listing_that_leaves_something_out_makes_nothing_missing(database: Database, store: MemoryStore) -> None:
    register_one(database, 1, put(store, b"there"))
    store.kept = lambda: iter(())  # type: ignore[method-assign]  # as a store that is behind
    assert find_missing(database, store) == ()


def test_an_upload_keeps_the_artifact_that_it_has_not_registered_yet(
    database: Database, store: MemoryStore, clock: FakeClock
) -> None:
    stored = put(store, b"being sent again")
    with database.write() as tx:
        first, second = claim_for_upload(tx, stored.digest), claim_for_upload(tx, stored.digest)
    assert collected(database, store).removed == ()
    with database.write() as tx:
        assert give_up(tx, stored.digest, first)
    assert collected(database, store).removed == ()
    clock.advance(UPLOAD_SECONDS + 1)
    # nobody has heard of the second for hours
    assert collected(database, store).removed == (stored.digest,)
    with pytest.raises(Unavailable, match="again") as caught:
        register_one(database, 1, stored, lambda tx: use_up(tx, stored.digest, second))
    assert caught.value.retry_after
    with database.read() as tx:
        assert tx.execute(select(versions)).all() == []


def test_an_upload_waits_for_the_removal_of_the_same_bytes(
    database: Database, store: MemoryStore, clock: FakeClock
) -> None:
    stored = put(store, b"going")
    with database.write() as tx:
        holder = claim_for_removal(tx, stored.digest)
    assert holder is not None
    with pytest.raises(Unavailable, match="being removed"), database.write() as tx:
        claim_for_upload(tx, stored.digest)
    clock.advance(COLLECTION_SECONDS + 1)
    with database.write() as tx:
        # who was to remove it is gone, or stopped: then it finds that it may not
        claim_for_upload(tx, stored.digest)
        assert not still_holds(tx, stored.digest, holder)
        assert claim_for_removal(tx, stored.digest) is None


def test_ended_claims_are_dropped(database: Database, clock: FakeClock) -> None:
    with database.write() as tx:
        claim_for_upload(tx, "a" * 64)
        clock.advance(UPLOAD_SECONDS - 1)
        claim_for_upload(tx, "b" * 64)
        assert forget_ended(tx) == 0
        clock.advance(2)
        assert forget_ended(tx) == 1
    assert claims(database) == 1


def test_a_collector_that_was_stopped_removes_nothing_any_more(
    database: Database, store: MemoryStore, clock: FakeClock
) -> None:
    first, second = put(store, b"first"), put(store, b"second")
    delete, removed = store.delete, list[str]()

    def stopped(digest: str) -> None:
        delete(digest)
        removed.append(digest)
        # it is stopped after the first, and the second is sent again meanwhile
        clock.advance(COLLECTION_SECONDS + 1)

    store.delete = stopped  # type: ignore[method-assign]  # a process that is stopped in between
    done = collected(database, store)
    assert len(removed) == len(done.removed) == 1
    assert store.contains(({first.digest, second.digest} - set(removed)).pop())


def test_a_store_that_fails_leaves_no_claim(database: Database, store: MemoryStore) -> None:
    stored = put(store, b"stays")

    def failing(digest: str) -> None:
        raise Unavailable("the store is down")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "delete", failing)
        with pytest.raises(Unavailable):
            collected(database, store)
    assert claims(database) == 0
    assert collected(database, store).removed == (stored.digest,)


def test_registering_wins_or_waits_whenever_the_same_bytes_are_collected(
    database: Database, store: MemoryStore
) -> None:
    """Collectors without a grace against uploads of what lies there already, unreferenced."""
    for number in range(LOOPS):
        put(store, f"content {number}".encode())
    stop, missed = threading.Event(), list[int]()

    def upload(number: int) -> None:
        content = f"content {number}".encode()
        digest = hashlib.sha256(content).hexdigest()
        while True:
            try:
                with database.write() as tx:
                    holder = claim_for_upload(tx, digest)
                stored = store.put(io.BytesIO(content))
                store.age(digest, LONG_AGO)
                register_one(database, number, stored, partial(use_up, digest=digest, holder=holder))
                break
            except Unavailable:
                continue
        if not store.contains(digest):
            missed.append(number)

    def keep_collecting() -> None:
        while not stop.is_set():
            collected(database, store, grace_hours=0.0)

    with ThreadPoolExecutor(6) as pool:
        collectors = [pool.submit(keep_collecting) for _ in range(2)]
        list(pool.map(upload, range(LOOPS)))
        stop.set()
        for collector in collectors:
            collector.result(60)
    assert missed == []
    assert find_missing(database, store) == ()
    assert claims(database) == 0
    assert len(list(store.kept())) == LOOPS
