"""Actors: persons and services, and the roles granted to them."""

import secrets
from typing import Any, Literal, cast

from sqlalchemy import Row, delete, func, insert, select, update

from headgate.errors import Conflict, Malformed, NotFound, Refused
from headgate.identity.caller import ANY, Grant
from headgate.identity.roles import INTERNAL_ROLES, PERMISSIONS
from headgate.ledger.events import Event, append
from headgate.ledger.personal import Personal
from headgate.names import fold, shown, validate_name
from headgate.records import Record
from headgate.storage.database import Tx, now
from headgate.storage.instance import raise_number
from headgate.storage.schema import access_keys, actors, environments, grants, projects

Kind = Literal["person", "service"]
ACCESS_NUMBER = "access_number"


class ActorRecord(Record, frozen=True, kw_only=True):
    """Somebody or something that acts."""

    id: str  # opaque; stands for the name in the ledger's objects
    name: str
    kind: Kind
    grants: tuple[Grant, ...]
    created_at: str


def create_actor(
    tx: Tx, name: str, kind: Kind, *, by: str, granted: tuple[Grant, ...] = (), internal: bool = False
) -> ActorRecord:
    """Make an actor. Raises `InvalidName`, `Conflict` when the name is taken (also by one that was deleted: events
    under a name must stay one actor's), `Malformed` for an unknown role."""
    validate_name(name, "actor name")
    if kind not in ("person", "service"):
        raise Malformed(f"An actor is a person or a service, not {shown(kind)}.")
    if tx.execute(select(actors.c.id).where(actors.c.folded == fold(name))).first():
        raise Conflict(f"The name {name} is or was an actor's already. Choose another one.")
    identity = secrets.token_hex(8)
    tx.execute(insert(actors).values(id=identity, name=name, folded=fold(name), kind=kind, created_at=now(tx)))
    append(
        tx,
        Event(
            actor=by,
            verb="actor.create",
            object=f"actor:{identity}",
            after={"name": Personal(name), "kind": kind},
        ),
    )
    for each in granted:
        grant(tx, name, each, by=by, internal=internal)
    return get_actor(tx, name)


def get_actor(tx: Tx, name: str) -> ActorRecord:
    """The living actor of that name, ignoring case. Raises `NotFound`, `InvalidName`."""
    validate_name(name, "actor name")
    living = (actors.c.folded == fold(name), actors.c.deleted_at.is_(None))
    row = tx.execute(select(actors).where(*living)).one_or_none()
    if row is None:
        raise NotFound(f"There is no actor {shown(name)}. See `headgate actor list`.")
    return _record(tx, row)


def list_actors(tx: Tx) -> tuple[ActorRecord, ...]:
    """All living actors by name."""
    rows = tx.execute(select(actors).where(actors.c.deleted_at.is_(None)).order_by(actors.c.folded)).all()
    return tuple(_record(tx, row) for row in rows)


def grant(tx: Tx, name: str, wanted: Grant, *, by: str, internal: bool = False) -> ActorRecord:
    """Give a role; harmless when it is held. Raises `Malformed` for an unknown role, `NotFound` for an unknown actor,
    project or environment."""
    known = PERMISSIONS.keys() - (frozenset() if internal else INTERNAL_ROLES)
    if wanted.role not in known:
        raise Malformed(f"There is no role {shown(wanted.role)}: expected one of {', '.join(sorted(known))}.")
    actor = get_actor(tx, name)
    scoped = _scoped(tx, wanted)
    if scoped in actor.grants:
        return actor
    tx.execute(
        insert(grants).values(
            actor_id=actor.id, role=scoped.role, project=scoped.project, environment=scoped.environment
        )
    )
    return _granted(tx, actor, "actor.grant", by, after=scoped)


def withdraw(tx: Tx, name: str, role: str, *, by: str, project: str = ANY, environment: str = ANY) -> ActorRecord:
    """Take a role back. Raises `NotFound` when it is not held there, `Refused` when no admin would be left."""
    actor = get_actor(tx, name)
    scoped = _scoped(tx, Grant(role=role, project=project, environment=environment))
    if scoped not in actor.grants:
        raise NotFound(f"{actor.name} does not hold {shown(role)} in {scoped.project}/{scoped.environment}.")
    if scoped == Grant(role="admin"):
        _keep_an_admin(tx, actor)
    tx.execute(
        delete(grants).where(
            grants.c.actor_id == actor.id,
            grants.c.role == scoped.role,
            grants.c.project == scoped.project,
            grants.c.environment == scoped.environment,
        )
    )
    return _granted(tx, actor, "actor.withdraw", by, before=scoped)


def delete_actor(tx: Tx, name: str, *, by: str) -> None:
    """Remove an actor: its keys are void at once. Raises `NotFound`, `Refused` when no admin would be left."""
    actor = get_actor(tx, name)
    if Grant(role="admin") in actor.grants:
        _keep_an_admin(tx, actor)
    tx.execute(delete(grants).where(grants.c.actor_id == actor.id))
    tx.execute(update(actors).where(actors.c.id == actor.id).values(deleted_at=now(tx)))
    living = (access_keys.c.actor_id == actor.id, access_keys.c.revoked_at.is_(None))
    tx.execute(update(access_keys).where(*living).values(revoked_at=now(tx)))
    raise_number(tx, ACCESS_NUMBER)
    append(
        tx,
        Event(actor=by, verb="actor.delete", object=f"actor:{actor.id}", before={"name": Personal(actor.name)}),
    )


def read_grants(tx: Tx, actor_id: str) -> tuple[Grant, ...]:
    """Everything granted to one actor."""
    order = (grants.c.role, grants.c.project, grants.c.environment)
    rows = tx.execute(select(grants).where(grants.c.actor_id == actor_id).order_by(*order))
    return tuple(Grant(role=row.role, project=row.project, environment=row.environment) for row in rows)


def _keep_an_admin(tx: Tx, leaving: ActorRecord) -> None:
    # a deleted actor has no grants
    others = select(func.count()).where(
        grants.c.role == "admin",
        grants.c.project == ANY,
        grants.c.environment == ANY,
        grants.c.actor_id != leaving.id,
    )
    if tx.execute(others).scalar_one() == 0:
        raise Refused(f"{leaving.name} is the last admin. Make another actor admin first.")


def _scoped(tx: Tx, wanted: Grant) -> Grant:
    """The grant with its places as they are written; both must exist."""
    names = []
    for table, name, what in (
        (projects, wanted.project, "project"),
        (environments, wanted.environment, "environment"),
    ):
        same = table.c.folded == fold(validate_name(name, f"{what} name") if name != ANY else name)
        found = ANY if name == ANY else _written(tx, select(table.c.name).where(same))
        if found is None:
            raise NotFound(f"There is no {what} {shown(name)}.")
        names.append(found)
    return Grant(role=wanted.role, project=names[0], environment=names[1])


def _written(tx: Tx, query: Any) -> str | None:
    return cast("str | None", tx.execute(query).scalar_one_or_none())


def _granted(
    tx: Tx, actor: ActorRecord, verb: str, by: str, *, before: Grant | None = None, after: Grant | None = None
) -> ActorRecord:
    raise_number(tx, ACCESS_NUMBER)
    append(tx, Event(actor=by, verb=verb, object=f"actor:{actor.id}", before=_state(before), after=_state(after)))
    return get_actor(tx, actor.name)


def _state(grant: Grant | None) -> dict[str, Any] | None:
    return None if grant is None else {"role": grant.role, "project": grant.project, "environment": grant.environment}


def _record(tx: Tx, row: Row[Any]) -> ActorRecord:
    return ActorRecord(
        id=row.id,
        name=row.name,
        kind=cast("Kind", row.kind),
        grants=read_grants(tx, row.id),
        created_at=row.created_at,
    )
