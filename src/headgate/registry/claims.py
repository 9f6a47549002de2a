"""Claims on artifacts, so that none is removed while it is being registered.

Whoever stores an artifact claims its digest before, and gives the claim up in the transaction that registers it.
Whoever removes one claims it too, which is refused while a version refers to it or an upload holds it. Write
transactions take turns, so one of the two is always first. A claim ends by itself, for its holder may have been
killed; then its holder finds it gone, and does nothing.
"""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, insert, select

from headgate.errors import Unavailable
from headgate.storage.database import Tx, now, stamp, surroundings_of
from headgate.storage.schema import artifact_claims, versions

UPLOAD, COLLECTION = "upload", "collection"
# sending the largest bundle to a slow store, and removing a batch of artifacts
UPLOAD_SECONDS, COLLECTION_SECONDS = 6 * 3600.0, 600.0


def claim_for_upload(tx: Tx, digest: str) -> str:
    """The holder of a new claim. Raises `Unavailable` while the artifact is being removed."""
    removing = _living(digest, COLLECTION, now(tx))
    if tx.execute(select(artifact_claims.c.holder).where(*removing)).first():
        raise Unavailable("The same artifact is being removed at this moment. Send it again.", retry_after=1.0)
    # one that has removed nothing in all its time finds its claim gone
    tx.execute(delete(artifact_claims).where(*_of(digest, COLLECTION)))
    return _claim(tx, digest, UPLOAD, UPLOAD_SECONDS)


def claim_for_removal(tx: Tx, digest: str) -> str | None:
    """The holder of a new claim, None when the artifact must stay: a version refers to it, or somebody works on it."""
    if tx.execute(select(versions.c.model).where(versions.c.artifact == digest).limit(1)).first():
        return None
    living = (artifact_claims.c.digest == digest, artifact_claims.c.until > now(tx))
    if tx.execute(select(artifact_claims.c.holder).where(*living)).first():
        return None
    tx.execute(delete(artifact_claims).where(artifact_claims.c.digest == digest))
    return _claim(tx, digest, COLLECTION, COLLECTION_SECONDS)


def give_up(tx: Tx, digest: str, holder: str) -> bool:
    """End the claim; whether it was still held."""
    return tx.execute(delete(artifact_claims).where(*_held(digest, holder))).rowcount == 1


def use_up(tx: Tx, digest: str, holder: str) -> None:
    """End the claim in the transaction that registers the artifact. Raises `Unavailable` when it is lost."""
    if not give_up(tx, digest, holder):
        raise Unavailable("Storing the artifact took too long. Send it again.", retry_after=1.0)


def still_holds(tx: Tx, digest: str, holder: str) -> bool:
    """Whether the claim is there and has not ended."""
    held = (*_held(digest, holder), artifact_claims.c.until > now(tx))
    return tx.execute(select(artifact_claims.c.holder).where(*held)).first() is not None


def forget_ended(tx: Tx) -> int:
    """Drop claims that have ended; returns how many. Their holders find them gone, as they must."""
    return tx.execute(delete(artifact_claims).where(artifact_claims.c.until <= now(tx))).rowcount


def _claim(tx: Tx, digest: str, purpose: str, seconds: float) -> str:
    holder = secrets.token_hex(16)
    until = stamp(surroundings_of(tx).clock.now() + timedelta(seconds=seconds))
    tx.execute(insert(artifact_claims).values(digest=digest, holder=holder, purpose=purpose, until=until))
    return holder


def _held(digest: str, holder: str) -> tuple[ColumnElement[bool], ...]:
    return artifact_claims.c.digest == digest, artifact_claims.c.holder == holder


def _of(digest: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    return artifact_claims.c.digest == digest, artifact_claims.c.purpose == purpose


def _living(digest: str, purpose: str, moment: str) -> tuple[ColumnElement[bool], ...]:
    return *_of(digest, purpose), artifact_claims.c.until > moment
