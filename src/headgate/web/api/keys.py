"""Keys: shown once, stored as a hash."""

from fastapi import Response
from pydantic import Field

from headgate.derived_secrets import signing_secret
from headgate.identity.keys import IssuedKey, KeyRecord, issue_key, list_keys, revoke_key
from headgate.records import KeyLimits
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.guards import guarded
from headgate.web.api.plane import Plane
from headgate.web.api.record_fields import with_fields_of
from headgate.web.api.shapes import Cursor, KeyId, Limit, Listing, Shape, listing, page_of

router = guarded("keys")
UNASKED = (
    "Limits of keys do nothing here: predictions need no key, and none is looked at. "
    "Start the instance with --require-keys to have them in force."
)


@with_fields_of(KeyLimits)
class NewKey(Shape):
    actor: str = Field(max_length=128, examples=["ann"])
    expires_days: float | None = Field(default=None, gt=0, le=3_650, allow_inf_nan=False)
    note: str = Field(default="", max_length=200)
    aws: bool = Field(default=False, description="Also tell the secret with which AWS's clients sign requests.")


@with_fields_of(KeyLimits, always=True)
class KeyShape(Shape):
    id: str = Field(description="The key's public part.")
    actor: str
    note: str
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None


class IssuedKeyShape(KeyShape):
    key: str | None = Field(description="The whole key, shown this once; null when the command was a repetition.")
    hint: str = Field(default="", description="Why the key's limits do nothing here; empty where they do, or are none.")
    aws_secret: str | None = Field(
        description="With the id as the access key id: what AWS's clients sign with; null where it was not asked for."
    )


def _key(record: KeyRecord) -> KeyShape:
    return KeyShape(**{name: getattr(record, name) for name in KeyShape.model_fields})


def _issued(issued: IssuedKey, hint: str, aws_secret: str | None) -> IssuedKeyShape:
    shape = _key(issued.record).model_dump()
    return IssuedKeyShape(**shape, key=issued.key, hint=hint, aws_secret=aws_secret)


@router.get("/keys")
def list_all(plane: Plane, limit: Limit = 50, cursor: Cursor = None) -> Listing[KeyShape]:
    """Keys without their secrets, revoked and expired ones too."""
    with plane.database.read() as tx:
        return listing(page_of(list_keys(tx), lambda key: f"{key.created_at} {key.id}", limit, cursor), _key)


@router.post("/keys", status_code=201, response_model=IssuedKeyShape)
def create(plane: Plane, change: Change, body: NewKey) -> Response:
    """Make a key for an actor."""

    def act(tx: Tx) -> Done:
        limits = KeyLimits(**{name: getattr(body, name) for name in KeyLimits.__struct_fields__})
        issued = issue_key(
            tx, body.actor, by=change.actor, expires_days=body.expires_days, note=body.note, limits=limits
        )
        limited = limits != KeyLimits() and not change.plane.settings.require_keys
        aws_secret = signing_secret(plane.signing_subkey, issued.record.id) if body.aws else None
        return 201, _issued(issued, UNASKED if limited else "", aws_secret)

    return change.run(body, act, kept=_without_secret)


def _without_secret(done: Done) -> Done:
    """The stored answer never holds the key: nothing does."""
    status, shape = done
    assert isinstance(shape, IssuedKeyShape)
    return status, shape.model_copy(update={"key": None, "aws_secret": None})


@router.delete("/keys/{key}", status_code=204)
def revoke(change: Change, key: KeyId) -> Response:
    """Make a key void."""

    def act(tx: Tx) -> Done:
        revoke_key(tx, key, by=change.actor)
        return 204, None

    return change.run(None, act)
