"""Actors and what is granted to them."""

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import Field

from headgate.errors import NotFound
from headgate.identity.actors import ActorRecord, create_actor, delete_actor, get_actor, grant, list_actors, withdraw
from headgate.identity.caller import ANY, Grant
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.guards import guarded
from headgate.web.api.plane import Plane
from headgate.web.api.shapes import ActorName, Cursor, Limit, Listing, RoleName, Shape, listing, page_of

router = guarded("actors")

Place = Annotated[str | None, Field(max_length=128, description="Default: all.")]
PlaceQuery = Annotated[str | None, Query(max_length=128, description="Default: wherever the role is held.")]


class GrantShape(Shape):
    role: str = Field(max_length=128, examples=["operator"])
    project: Place = None
    environment: Place = None


class NewActor(Shape):
    name: str = Field(max_length=128, examples=["ann"])
    kind: Literal["person", "service"] = "person"
    roles: list[str] = Field(default=[], max_length=20, examples=[["developer"]])
    project: Place = None
    environment: Place = None


class ActorShape(Shape):
    id: str
    name: str
    kind: str
    grants: list[GrantShape]
    created_at: str


def _actor(record: ActorRecord) -> ActorShape:
    grants = [GrantShape(role=each.role, project=each.project, environment=each.environment) for each in record.grants]
    return ActorShape(id=record.id, name=record.name, kind=record.kind, grants=grants, created_at=record.created_at)


def _grant(role: str, project: str | None, environment: str | None) -> Grant:
    return Grant(role=role, project=project or ANY, environment=environment or ANY)


@router.get("/actors")
def list_all(plane: Plane, limit: Limit = 50, cursor: Cursor = None) -> Listing[ActorShape]:
    """Actors by name."""
    with plane.database.read() as tx:
        return listing(page_of(list_actors(tx), lambda actor: actor.name, limit, cursor), _actor)


@router.post("/actors", status_code=201, response_model=ActorShape)
def create(change: Change, body: NewActor) -> Response:
    """Make an actor with roles in one place, by default everywhere."""
    granted = tuple(_grant(role, body.project, body.environment) for role in body.roles)

    def act(tx: Tx) -> Done:
        return 201, _actor(create_actor(tx, body.name, body.kind, by=change.actor, granted=granted))

    return change.run(body, act)


@router.delete("/actors/{actor}", status_code=204)
def remove(change: Change, actor: ActorName) -> Response:
    """Remove an actor; its keys are void at once."""

    def act(tx: Tx) -> Done:
        delete_actor(tx, actor, by=change.actor)
        return 204, None

    return change.run(None, act)


@router.post("/actors/{actor}/grants", response_model=ActorShape)
def add_grant(change: Change, actor: ActorName, body: GrantShape) -> Response:
    """Give a role."""

    def act(tx: Tx) -> Done:
        return 200, _actor(grant(tx, actor, _grant(body.role, body.project, body.environment), by=change.actor))

    return change.run(body, act)


@router.delete("/actors/{actor}/grants/{role}", status_code=204)
def remove_grant(
    change: Change, actor: ActorName, role: RoleName, project: PlaceQuery = None, environment: PlaceQuery = None
) -> Response:
    """Take a role back, in one place or wherever it is held."""

    def act(tx: Tx) -> Done:
        held = [
            each
            for each in get_actor(tx, actor).grants
            if each.role == role and project in (None, each.project) and environment in (None, each.environment)
        ]
        if not held:
            raise NotFound(f"{actor} does not hold {role} there. See `headgate actor list`.")
        for each in held:
            withdraw(tx, actor, role, by=change.actor, project=each.project, environment=each.environment)
        return 204, None

    return change.run(None, act)
