"""Keys: `hg_<8 public>_<43 secret>`, shown once, stored as a hash, found by their public part."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update

from headgate.conversion import converter
from headgate.errors import Malformed, NotFound, Unauthenticated
from headgate.identity.actors import ACCESS_NUMBER, get_actor, read_grants
from headgate.identity.caller import Caller
from headgate.ledger.events import Event, append
from headgate.ledger.personal import Personal
from headgate.names import shown, validate_name, validate_text
from headgate.records import KeyLimits, Record
from headgate.storage.database import Tx, now, stamp, surroundings_of
from headgate.storage.instance import raise_number
from headgate.storage.schema import access_keys, actors

_FORM = re.compile(r"hg_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
# compared when there is no such key, so that both cases do the same work
_NOBODY = "0" * 64
_DAYS_LIMIT = 3_650
_limits = converter(KeyLimits)


class KeyRecord(KeyLimits, frozen=True, kw_only=True):
    """A key without its secret."""

    id: str  # its public part
    actor: str
    note: str
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None


class IssuedKey(Record, frozen=True, kw_only=True):
    """A new key. The secret is nowhere else: show it once."""

    record: KeyRecord
    key: str

    def __repr__(self) -> str:
        return f"IssuedKey(record={self.record!r}, key='hg_{self.record.id}_…')"


def issue_key(
    tx: Tx,
    actor: str,
    *,
    by: str,
    expires_days: float | None = None,
    note: str = "",
    limits: KeyLimits = KeyLimits(),  # noqa: B008  # a frozen value
) -> IssuedKey:
    """Make a key of 256 random bits for an actor. Raises `NotFound`, or `Malformed` for a value out of range."""
    limited = _checked(limits)
    owner = get_actor(tx, actor)
    public, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"hg_{public}_{secret}"
    tx.execute(
        insert(access_keys).values(
            id=public,
            sha256=_hash(key),
            actor_id=owner.id,
            note=validate_text(note, "note", 200),
            created_at=now(tx),
            created_by=by,
            expires_at=_expiry(tx, expires_days),
            **limited,
        )
    )
    raise_number(tx, ACCESS_NUMBER)
    after = {
        "actor": Personal(owner.name),
        "expires_at": _expiry(tx, expires_days),
        **{name: value for name, value in limited.items() if value != getattr(KeyLimits(), name)},
    }
    append(tx, Event(actor=by, verb="key.issue", object=f"key:{public}", after=after))
    return IssuedKey(record=get_key(tx, public), key=key)


def limits_in(row: Row[Any]) -> dict[str, Any]:
    """The limits in a row of the table, by name."""
    return {name: getattr(row, name) for name in KeyLimits.__struct_fields__}


def _checked(limits: KeyLimits) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(limits)
    try:
        _limits(given)
    except msgspec.ValidationError as error:
        raise Malformed(f"The key's limits are {given}: {error}.") from error
    return given


def _expiry(tx: Tx, days: float | None) -> str | None:
    if days is None:
        return None
    if not 0 < days <= _DAYS_LIMIT:
        raise Malformed(f"expires_days is {days}: expected more than 0, at most {_DAYS_LIMIT}.")
    return stamp(surroundings_of(tx).clock.now() + timedelta(days=days))


def get_key(tx: Tx, public: str) -> KeyRecord:
    """The key with this public part. Raises `NotFound`, `InvalidName`."""
    validate_name(public, "key id")
    row = tx.execute(_with_actor().where(access_keys.c.id == public)).one_or_none()
    if row is None:
        raise NotFound(f"There is no key {shown(public)}. See `headgate key list`.")
    return _record(row)


def list_keys(tx: Tx) -> tuple[KeyRecord, ...]:
    """All keys, oldest first, revoked and expired ones too."""
    order = (access_keys.c.created_at, access_keys.c.id)
    return tuple(_record(row) for row in tx.execute(_with_actor().order_by(*order)))


def revoke_key(tx: Tx, public: str, *, by: str) -> KeyRecord:
    """Make the key void; harmless when it is. Raises `NotFound`."""
    key = get_key(tx, public)
    if key.revoked_at is None:
        tx.execute(update(access_keys).where(access_keys.c.id == key.id).values(revoked_at=now(tx)))
        raise_number(tx, ACCESS_NUMBER)
        append(tx, Event(actor=by, verb="key.revoke", object=f"key:{key.id}"))
    return get_key(tx, key.id)


def authenticate(tx: Tx, key: str) -> Caller:
    """Who holds this key. Raises `Unauthenticated` for anything else, whatever it looks like."""
    form = _FORM.fullmatch(key)
    # an ill-formed key is looked up and compared like any other: the time taken tells nothing
    public = form.group(1) if form else ""
    row = tx.execute(_with_actor().where(access_keys.c.id == public)).one_or_none()
    expected = row.sha256 if row is not None else _NOBODY
    same = hmac.compare_digest(bytes.fromhex(_hash(key if form else "")), bytes.fromhex(expected))
    if row is None or not same:
        raise Unauthenticated("The key is not one of this instance. Ask an admin for one: headgate key create.")
    if row.revoked_at is not None or row.deleted_at is not None:
        raise Unauthenticated(f"The key {row.id} was revoked. Ask an admin for a new one: headgate key create.")
    if row.expires_at is not None and row.expires_at <= now(tx):
        raise Unauthenticated(f"The key {row.id} expired {row.expires_at}. Ask an admin for a new one.")
    return Caller(actor=row.actor, key=row.id, grants=read_grants(tx, row.actor_id))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _with_actor() -> Any:
    joined = access_keys.join(actors, actors.c.id == access_keys.c.actor_id)
    return select(access_keys, actors.c.name.label("actor"), actors.c.deleted_at).select_from(joined)


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord(
        id=row.id,
        actor=row.actor,
        note=row.note,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        **limits_in(row),
    )


def expiry_seconds(expires_at: str | None) -> float | None:
    """A stored expiry as seconds since 1970."""
    return None if expires_at is None else datetime.fromisoformat(expires_at).timestamp()
