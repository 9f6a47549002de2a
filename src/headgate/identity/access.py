"""The access table: what the data plane knows of keys."""

from sqlalchemy import select

from headgate.identity.actors import ACCESS_NUMBER, read_grants
from headgate.identity.caller import ANY, Grant
from headgate.identity.keys import expiry_seconds, limits_in
from headgate.identity.roles import PERMISSIONS
from headgate.records import AccessKey, AccessTable
from headgate.storage.database import Tx
from headgate.storage.instance import raise_number, read_epoch, read_number, read_value, write_value
from headgate.storage.schema import access_keys, actors

# whether the instance, as it was started last, required keys
REQUIRED = "keys_required"


def note_requirement(tx: Tx, *, required: bool) -> None:
    """An instance starts: nodes pass over a table of a number that they have, so another requirement is another one."""
    if read_value(tx, REQUIRED) != str(required):
        write_value(tx, REQUIRED, str(required))
        raise_number(tx, ACCESS_NUMBER)


def access_table(tx: Tx, *, required: bool = False, signing: bytes = b"") -> AccessTable:
    """Every key that may predict, by hash, and from what the secrets are derived with which requests are signed.

    Its number grows with every change of keys, grants, actors and of the requirement.
    """
    joined = access_keys.join(actors, actors.c.id == access_keys.c.actor_id)
    living = select(access_keys, actors.c.name.label("actor")).select_from(joined)
    living = living.where(access_keys.c.revoked_at.is_(None), actors.c.deleted_at.is_(None)).order_by(access_keys.c.id)
    keys = []
    for row in tx.execute(living).all():
        scopes = _predict_scopes(read_grants(tx, row.actor_id))
        if scopes:
            expiry = expiry_seconds(row.expires_at)
            keys.append(
                AccessKey(
                    id=row.id,
                    sha256=row.sha256,
                    actor=row.actor,
                    predict=scopes,
                    expires_at=expiry,
                    **limits_in(row),
                )
            )
    number = read_number(tx, ACCESS_NUMBER)
    return AccessTable(epoch=read_epoch(tx), number=number, required=required, signing=signing.hex(), keys=tuple(keys))


def _predict_scopes(grants: tuple[Grant, ...]) -> tuple[str, ...]:
    giving = [grant for grant in grants if "endpoints:predict" in PERMISSIONS[grant.role]]
    if any(grant.is_instance_wide for grant in giving):
        return (ANY,)
    return tuple(sorted({f"{grant.project}/{grant.environment}" for grant in giving}))
