"""Artifacts and the versions that refer to them: what is missing, and the removal of what nothing refers to.

The database says what belongs to the instance, never the store's listing: what a listing leaves out stays.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from headgate.errors import Malformed
from headgate.ledger.events import Event, append
from headgate.records import Record
from headgate.registry.claims import claim_for_removal, give_up, still_holds
from headgate.storage.database import Database, Tx
from headgate.storage.schema import versions
from headgate.storage.stores import ArtifactStore, KeptArtifact

# younger ones are left: an upload by a release before this one claims nothing
GRACE_HOURS = 24.0
LONGEST_GRACE_HOURS = 24.0 * 3650
# one event tells of so many
BATCH = 100


class Collection(Record, frozen=True, kw_only=True):
    """What a collection has found and done."""

    kept: int  # artifacts that stay
    removed: tuple[str, ...]  # digests; of a rehearsal: those that would be
    bytes: int  # of the removed
    missing: tuple[str, ...]  # digests that versions refer to and the store does not have


def find_missing(database: Database, store: ArtifactStore) -> tuple[str, ...]:
    """Artifacts that versions refer to and the store does not have."""
    listed = {each.digest for each in store.kept()}
    with database.read() as tx:
        wanted = _referenced(tx)
    return _missing(wanted - listed, store)


def collect(
    database: Database,
    store: ArtifactStore,
    *,
    actor: str,
    reason: str = "",
    grace_hours: float = GRACE_HOURS,
    rehearse: bool = False,
) -> Collection:
    """Remove artifacts older than the grace that no version refers to, whatever its state, and no upload holds.

    Each batch is written to the ledger before it is removed: one that is killed has told of more than it has done.
    Raises `Malformed` for a grace below 0, `Unavailable` when database or store fail; what was removed by then was
    not needed.
    """
    if not 0 <= grace_hours <= LONGEST_GRACE_HOURS:
        raise Malformed(f"The grace is {grace_hours:g} hours: expected 0 to {LONGEST_GRACE_HOURS:g}.")
    listed = list(store.kept())
    with database.read() as tx:
        wanted = _referenced(tx)
    before = database.clock.now() - timedelta(hours=grace_hours)
    idle = [each for each in listed if each.digest not in wanted and each.modified <= before]
    if rehearse:
        removed = idle
    else:
        removed = [gone for batch in _batches(idle) for gone in _remove(database, store, batch, actor, reason)]
    return Collection(
        kept=len(listed) - len(removed),
        removed=tuple(each.digest for each in removed),
        bytes=sum(each.size for each in removed),
        missing=_missing(wanted - {each.digest for each in listed}, store),
    )


def _remove(
    database: Database, store: ArtifactStore, batch: Sequence[KeptArtifact], actor: str, reason: str
) -> list[KeptArtifact]:
    with database.write() as tx:
        claims = [(each, holder) for each in batch if (holder := claim_for_removal(tx, each.digest))]
        if claims:
            found = {"artifacts": [each.digest for each, _ in claims], "bytes": sum(each.size for each, _ in claims)}
            append(tx, Event(actor=actor, verb="artifact.collect", object="instance", reason=reason, before=found))
    removed = []
    try:
        for each, holder in claims:
            # asked at the last moment: this process may have been stopped for longer than its claim lasts
            with database.read() as tx:
                held = still_holds(tx, each.digest, holder)
            if held:
                store.delete(each.digest)
                removed.append(each)
    finally:
        with database.write() as tx:
            for each, holder in claims:
                give_up(tx, each.digest, holder)
    return removed


def _missing(unlisted: set[str], store: ArtifactStore) -> tuple[str, ...]:
    # a listing may be behind: asked for one by one
    return tuple(sorted(digest for digest in unlisted if not store.contains(digest)))


def _batches(found: Sequence[KeptArtifact]) -> list[Sequence[KeptArtifact]]:
    return [found[place : place + BATCH] for place in range(0, len(found), BATCH)]


def _referenced(tx: Tx) -> set[str]:
    return set(tx.execute(select(versions.c.artifact).distinct()).scalars())
