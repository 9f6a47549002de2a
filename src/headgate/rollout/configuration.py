"""Giving an endpoint another spec: stored, in the ledger, and in force with a route table of the same variants."""

from typing import Any

import msgspec

from headgate.errors import Conflict
from headgate.ledger.events import Event, append
from headgate.names import validate_text
from headgate.records import DEFAULT_ENVIRONMENT, DEFAULT_PROJECT, EndpointSpec, Record
from headgate.registry.projects import get_environment, get_project
from headgate.rollout.endpoints import (
    Endpoint,
    contract_table,
    find_endpoint,
    get_endpoint,
    open_endpoint,
    require_revision,
)
from headgate.rollout.publishing import publish, tables_of
from headgate.rollout.rollouts import active_rollout, subject
from headgate.rollout.specs import read_spec, require_fallback, store_spec
from headgate.storage.database import Tx


class Configuration(Record, frozen=True, kw_only=True):
    """The wish that an endpoint has a spec."""

    endpoint: str
    spec: EndpointSpec
    reason: str = ""
    # for an endpoint that is new; None: the defaults
    project: str | None = None
    environment: str | None = None
    # what the caller has read; None: whatever it is
    revision: int | None = None


def configure(tx: Tx, wish: Configuration, actor: str) -> Endpoint:
    """Give the endpoint this spec, whole; an endpoint that does not exist yet is made.

    Raises `Conflict` while a rollout is under way, `PreconditionFailed` when the endpoint was changed since it was
    read, `NotFound` or `Refused` for a fallback that may not answer.
    """
    validate_text(wish.reason, "reason")
    endpoint = open_endpoint(tx, wish.endpoint, *placed(tx, wish), actor)
    require_revision(endpoint, wish.revision)
    if (running := active_rollout(tx, endpoint.name)) is not None:
        raise Conflict(f"{running.id} of {endpoint.name} is {running.state}. Wait until it has ended, or abort it.")
    before = read_spec(tx, endpoint.name)
    if before == wish.spec:
        return endpoint
    table = contract_table(tx, endpoint)
    require_fallback(tx, wish.spec, table)
    store_spec(tx, endpoint.name, wish.spec)
    old, new = changes(before, wish.spec)
    append(
        tx,
        Event(
            actor=actor, verb="endpoint.configure", object=subject(endpoint.name), reason=wish.reason, before=old,
            after=new,
        ),
    )  # fmt: skip
    if table.variants:
        publish(tx, table, tables_of(tx, endpoint.name)[-1].rollout)
    return get_endpoint(tx, endpoint.name)


def placed(tx: Tx, wish: Configuration) -> tuple[str, str]:
    """Project and environment of the endpoint: where it stands, or where a new one shall. Raises `NotFound`."""
    standing = find_endpoint(tx, wish.endpoint)
    project = wish.project or (standing.project if standing else DEFAULT_PROJECT)
    environment = wish.environment or (standing.environment if standing else DEFAULT_ENVIRONMENT)
    return get_project(tx, project).name, get_environment(tx, environment).name


def changes(before: EndpointSpec, after: EndpointSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, by their dotted names: as they were and as they are."""
    old, new = flat(before), flat(after)
    names = [name for name in old if old[name] != new[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}


def flat(spec: EndpointSpec) -> dict[str, Any]:
    """Every field of a spec by its dotted name: "limits.timeout_ms"."""
    fields: dict[str, Any] = msgspec.to_builtins(spec)
    limits = fields.pop("limits")
    return {f"limits.{name}": value for name, value in limits.items()} | fields
