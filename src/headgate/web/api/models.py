"""Models: names with versions, an owner, aliases."""

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field

from headgate.registry.aliases import remove_alias, set_alias
from headgate.registry.models import ModelRecord, amend_model, get_model, list_models
from headgate.registry.versions import get_version, list_versions
from headgate.rollout.publishing import follow_aliases
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.differences import Difference, differences
from headgate.web.api.guards import Who, guarded
from headgate.web.api.plane import Plane
from headgate.web.api.shapes import (
    AliasName,
    Cursor,
    IfMatch,
    Limit,
    Listing,
    ModelName,
    Shape,
    etag,
    expected_revision,
    listing,
    seal,
    unseal,
)
from headgate.web.api.versions import VersionShape, show_version

router = guarded("models")

# versions that come with a model; the rest is in /models/{model}/versions
NEWEST = 50


class ModelShape(Shape):
    name: str = Field(examples=["fraud"])
    project: str
    owner: str
    description: str
    tags: dict[str, str]
    aliases: dict[str, int] = Field(examples=[{"champion": 3}])
    versions: list[VersionShape] = Field(description=f"The newest {NEWEST}, newest first.")
    created_at: str


class ModelChange(Shape):
    owner: str | None = Field(default=None, max_length=200)
    description: str | None = Field(default=None, max_length=4_000)
    tags: dict[str, str] | None = Field(default=None, description="Replaces all tags.")


class AliasTarget(Shape):
    version: int = Field(ge=1, le=999_999_999, description="Number of the version that the alias points at.")


class Differences(Shape):
    left: str
    right: str
    changes: list[Difference]


def show_model(tx: Tx, model: ModelRecord) -> ModelShape:
    """The model with its newest versions."""
    versions = list_versions(tx, model.name, limit=NEWEST)
    return ModelShape(
        name=model.name,
        project=model.project,
        owner=model.owner,
        description=model.description,
        tags=model.tags,
        aliases=model.aliases,
        versions=[show_version(version) for version in versions.items],
        created_at=model.created_at,
    )


@router.get("/models")
def list_all(
    plane: Plane,
    caller: Who,
    limit: Limit = 50,
    cursor: Cursor = None,
    project: Annotated[str | None, Query(max_length=128, description="Only models of this project.")] = None,
) -> Listing[ModelShape]:
    """Models that the caller may see, by name."""
    with plane.database.read() as tx:
        page = list_models(tx, limit=limit, cursor=unseal(cursor), project=project)
        seen = [model for model in page.items if caller.allows("models:read", model.project)]
        return Listing(items=[show_model(tx, model) for model in seen], next=seal(page.next))


@router.get("/models/{model}")
def show(plane: Plane, caller: Who, response: Response, model: ModelName) -> ModelShape:
    """One model; its ETag is what `If-Match` takes."""
    with plane.database.read() as tx:
        found = get_model(tx, model)
        caller.require("models:read", found.project)
        response.headers["ETag"] = etag(found.revision)
        return show_model(tx, found)


@router.patch("/models/{model}", response_model=ModelShape)
def amend(change: Change, model: ModelName, body: ModelChange, if_match: IfMatch = None) -> Response:
    """Change owner, description or tags."""
    revision = expected_revision(if_match)

    def act(tx: Tx) -> Done:
        change.caller.require("models:register", get_model(tx, model).project)
        given: dict[str, Any] = body.model_dump(exclude_none=True)
        return 200, show_model(tx, amend_model(tx, model, actor=change.actor, revision=revision, **given))

    return change.run(body, act)


@router.get("/models/{model}/versions")
def versions(
    plane: Plane, caller: Who, model: ModelName, limit: Limit = 50, cursor: Cursor = None
) -> Listing[VersionShape]:
    """A model's versions, newest first."""
    with plane.database.read() as tx:
        caller.require("models:read", get_model(tx, model).project)
        return listing(list_versions(tx, model, limit=limit, cursor=unseal(cursor)), show_version)


@router.get("/models/{model}/diff")
def diff(
    plane: Plane,
    caller: Who,
    model: ModelName,
    left: Annotated[int, Query(ge=1, le=999_999_999)],
    right: Annotated[int, Query(ge=1, le=999_999_999)],
) -> Differences:
    """Where the manifests of two versions differ."""
    with plane.database.read() as tx:
        caller.require("models:read", get_model(tx, model).project)
        first, second = get_version(tx, f"{model}:{left}"), get_version(tx, f"{model}:{right}")
    changes = differences(first.manifest, second.manifest)
    return Differences(left=first.version, right=second.version, changes=changes)


@router.put("/models/{model}/aliases/{alias}", response_model=ModelShape)
def point_alias(change: Change, model: ModelName, alias: AliasName, body: AliasTarget) -> Response:
    """Point an alias at a version."""

    def act(tx: Tx) -> Done:
        change.caller.require("models:register", get_model(tx, model).project)
        found = set_alias(tx, model, alias, body.version, change.actor)
        follow_aliases(tx, found.name)
        return 200, show_model(tx, found)

    return change.run(body, act)


@router.delete("/models/{model}/aliases/{alias}", status_code=204)
def drop_alias(change: Change, model: ModelName, alias: AliasName) -> Response:
    """Remove an alias."""

    def act(tx: Tx) -> Done:
        change.caller.require("models:register", get_model(tx, model).project)
        follow_aliases(tx, remove_alias(tx, model, alias, change.actor).name)
        return 204, None

    return change.run(None, act)
