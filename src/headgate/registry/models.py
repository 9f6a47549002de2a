"""Models: names with versions, an owner, a description and tags."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, insert, select, update

from headgate.errors import Conflict, Malformed, NotFound, PreconditionFailed
from headgate.ledger.events import Event, append
from headgate.ledger.personal import Personal
from headgate.names import fold, shown, validate_name, validate_text
from headgate.records import DEFAULT_PROJECT, Record
from headgate.registry.projects import get_project
from headgate.storage.database import Tx, now
from headgate.storage.pages import Page, check_limit, cut_page
from headgate.storage.schema import aliases, models

TAGS_LIMIT = 50


class ModelRecord(Record, frozen=True, kw_only=True):
    """A model without its versions."""

    name: str
    project: str
    owner: str
    description: str
    tags: dict[str, str]
    aliases: dict[str, int]  # alias → version number
    last_number: int  # of the newest version
    revision: int  # grows with every change of the model, its versions and aliases: the ETag
    created_at: str


def get_model(tx: Tx, name: str) -> ModelRecord:
    """The model of that name, ignoring case. Raises `NotFound`, `InvalidName`."""
    row = find_row(tx, validate_name(name, "model name"))
    if row is None:
        raise NotFound(f"There is no model {shown(name)}. See `headgate model list`.")
    return _record(tx, row)


def list_models(tx: Tx, *, limit: int = 50, cursor: str | None = None, project: str | None = None) -> Page[ModelRecord]:
    """Models by name, of one project when given."""
    query = select(models).order_by(models.c.folded).limit(check_limit(limit) + 1)
    if cursor is not None:
        query = query.where(models.c.folded > validate_name(cursor, "cursor"))
    if project is not None:
        query = query.where(models.c.project == get_project(tx, project).name)
    return cut_page([(row.folded, _record(tx, row)) for row in tx.execute(query).all()], limit)


def amend_model(
    tx: Tx,
    name: str,
    *,
    actor: str,
    owner: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    revision: int | None = None,
) -> ModelRecord:
    """Change what is given (None leaves as it is; tags replace all tags).

    Raises `PreconditionFailed` when `revision` is given and the model has another one by now.
    """
    model = get_model(tx, name)
    if revision is not None and revision != model.revision:
        raise PreconditionFailed(f"{model.name} was changed since it was read. Read it again, then repeat the change.")
    changes: dict[str, Any] = {}
    if owner is not None:
        changes["owner"] = validate_text(owner, "owner", 200)
    if description is not None:
        changes["description"] = validate_text(description, "description")
    if tags is not None:
        changes["tags"] = _check_tags(tags)
    changes = {field: value for field, value in changes.items() if value != getattr(model, field)}
    if not changes:
        return model
    tx.execute(update(models).where(models.c.name == model.name).values(**changes))
    touch(tx, model.name)
    before = {field: getattr(model, field) for field in changes}
    append(
        tx,
        Event(
            actor=actor,
            verb="model.amend",
            object=f"model:{model.name}",
            before=_concealed(before),
            after=_concealed(changes),
        ),
    )
    return get_model(tx, model.name)


def create_model(tx: Tx, name: str, project: str, actor: str) -> ModelRecord:
    """Make a model without versions. The caller has looked whether it exists."""
    tx.execute(
        insert(models).values(
            name=validate_name(name, "model name"),
            folded=fold(name),
            project=get_project(tx, project).name,
            owner=actor,
            description="",
            tags={},
            last_number=0,
            revision=1,
            created_at=now(tx),
        )
    )
    append(tx, Event(actor=actor, verb="model.create", object=f"model:{name}", after={"project": project}))
    return get_model(tx, name)


def find_or_create_model(tx: Tx, name: str, project: str | None, actor: str) -> ModelRecord:
    """The model of exactly that name, made in the project (or the default one) when it is new.

    Raises `Conflict` when it is in another project, or written in another case.
    """
    row = find_row(tx, validate_name(name, "model name"))
    if row is None:
        return create_model(tx, name, project or DEFAULT_PROJECT, actor)
    if row.name != name:
        raise Conflict(f"There is a model {row.name}; {name} differs only in case. Package it under that name.")
    if project is not None and fold(project) != fold(row.project):
        raise Conflict(f"The model {name} belongs to the project {row.project}, not to {project}. Choose another name.")
    return _record(tx, row)


def find_row(tx: Tx, name: str) -> Row[Any] | None:
    """The model's row by its name, ignoring case."""
    return tx.execute(select(models).where(models.c.folded == fold(name))).one_or_none()


def touch(tx: Tx, name: str) -> None:
    """The model, one of its versions or an alias has changed."""
    tx.execute(update(models).where(models.c.name == name).values(revision=models.c.revision + 1))


def _record(tx: Tx, row: Row[Any]) -> ModelRecord:
    found = tx.execute(select(aliases).where(aliases.c.model == row.name).order_by(aliases.c.folded))
    return ModelRecord(
        name=row.name,
        project=row.project,
        owner=row.owner,
        description=row.description,
        tags=row.tags,
        aliases={alias.alias: alias.number for alias in found},
        last_number=row.last_number,
        revision=row.revision,
        created_at=row.created_at,
    )


def _check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    if len(tags) > TAGS_LIMIT:
        raise Malformed(f"There are {len(tags)} tags, {TAGS_LIMIT} are allowed.")
    return {validate_name(tag, "tag"): validate_text(text, f"tag {tag}", 500) for tag, text in tags.items()}


def _concealed(state: dict[str, Any]) -> dict[str, Any]:
    return {field: Personal(value) if field in ("owner", "description") else value for field, value in state.items()}
