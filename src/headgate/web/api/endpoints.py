"""Endpoints: what is live, what was live, going back."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import Query, Response
from pydantic import Field

from headgate.errors import Malformed, NotFound
from headgate.identity.caller import Caller
from headgate.records import RouteTable
from headgate.rollout.deployments import roll_back
from headgate.rollout.endpoints import (
    Endpoint,
    Live,
    delete_endpoint,
    get_endpoint,
    list_endpoints,
    live_at,
    require_revision,
    standing,
)
from headgate.rollout.publishing import answering, newest_table
from headgate.rollout.rollouts import page_of_rollouts
from headgate.spool.reading import read_records
from headgate.storage.database import Tx, stamp
from headgate.web.api.commands import Change, Done
from headgate.web.api.deployments import RolloutShape, show_rollout
from headgate.web.api.guards import Who, guarded
from headgate.web.api.plane import ControlPlane, Plane
from headgate.web.api.shapes import (
    Because,
    Cursor,
    EndpointName,
    IfMatch,
    Limit,
    Listing,
    Shape,
    etag,
    expected_revision,
    listing,
    reference_to,
    seal,
    unseal,
)

router = guarded("endpoints")


class VariantShape(Shape):
    version: str
    digest: str
    role: str
    weight: int
    form: str
    placement: str


class EndpointShape(Shape):
    name: str
    project: str
    environment: str
    version: str | None = Field(default=None, description="What answers, if anything.", examples=["fraud:3"])
    digest: str | None = None
    epoch: int | None = None
    generation: int | None = None
    state: str = Field(description="live, deploying, rolling_back or down.", examples=["live"])
    url: str
    contract: Annotated[dict[str, Any] | None, reference_to("Signature")] = None
    variants: list[VariantShape] = []
    spec: Annotated[dict[str, Any] | None, reference_to("EndpointSpec")] = None
    since: str | None = Field(default=None, description="From when on every worker answered with it.")
    by: str | None = None
    reason: str | None = None
    evidence: list[dict[str, Any]] = []
    rollout: str | None = Field(default=None, description="Id of the rollout that brought it.")


class RecordShape(Shape):
    id: str
    at: str
    endpoint: str
    version: str
    status: int
    latency_ms: float
    trace_id: str | None
    span_id: str | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]


def show_endpoint(tx: Tx, plane: ControlPlane, endpoint: Endpoint, moment: str | None = None) -> EndpointShape:
    """The endpoint with what is live, or with what was live at a moment."""
    if moment is None:
        state, live = standing(tx, endpoint.name)
    else:
        live = live_at(tx, endpoint.name, moment)
        state = "live" if live else "down"
    about: dict[str, Any] = {
        "name": endpoint.name,
        "project": endpoint.project,
        "environment": endpoint.environment,
        "state": state,
        "url": f"{plane.data_url}/v1/endpoints/{endpoint.name}/predict",
    }
    if live is None:
        return EndpointShape(**about)
    table = live.table if moment else _table_now(tx, live)
    return EndpointShape(
        **about,
        version=live.version,
        digest=table.variants[0].digest,
        epoch=table.epoch,
        generation=table.generation,
        contract=msgspec.to_builtins(table.contract),
        variants=[VariantShape(**msgspec.to_builtins(variant)) for variant in table.variants],
        spec=msgspec.to_builtins(table.spec),
        since=live.since,
        by=live.by,
        reason=live.reason,
        evidence=list(live.evidence),
        rollout=live.rollout,
    )


def _table_now(tx: Tx, live: Live) -> RouteTable:
    """After a rollout that failed or went back, or under another spec, the same variants stand in a later table."""
    told = newest_table(tx, live.table.endpoint)
    return told if told and answering(told) == answering(live.table) else live.table


def _readable(tx: Tx, caller: Caller, name: str, *, history: bool = False) -> Endpoint:
    """The endpoint when the caller may see it; its history stays when it is deleted."""
    endpoint = get_endpoint(tx, name, also_deleted=history)
    caller.require("endpoints:read", endpoint.project, endpoint.environment)
    return endpoint


@router.get("/endpoints")
def list_all(plane: Plane, caller: Who, limit: Limit = 50, cursor: Cursor = None) -> Listing[EndpointShape]:
    """Endpoints that the caller may see, by name."""
    with plane.database.read() as tx:
        page = list_endpoints(tx, limit, unseal(cursor) or "")
        seen = [each for each in page.items if caller.allows("endpoints:read", each.project, each.environment)]
        return Listing(items=[show_endpoint(tx, plane, each) for each in seen], next=seal(page.next))


@router.get("/endpoints/{endpoint}")
def show(
    plane: Plane,
    caller: Who,
    response: Response,
    endpoint: EndpointName,
    at: Annotated[
        str | None, Query(max_length=40, description="ISO 8601 time.", examples=["2026-01-02T03:04:05Z"])
    ] = None,
) -> EndpointShape:
    """What is live, or was live at a time: who put it there and on what evidence."""
    moment = None if at is None else _moment(at)
    with plane.database.read() as tx:
        found = _readable(tx, caller, endpoint, history=moment is not None)
        response.headers["ETag"] = etag(found.revision)
        return show_endpoint(tx, plane, found, moment)


def _moment(text: str) -> str:
    """An ISO time as it is stored; without a zone it is UTC."""
    try:
        # a "+" that was not escaped arrives as a space
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise Malformed(f"at is no ISO 8601 time, such as 2026-01-02T03:04:05Z: {error}.") from error
    try:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return stamp(aware.astimezone(UTC))
    except OverflowError as error:
        raise Malformed("at is out of range: expected a year between 1 and 9999.") from error


@router.delete("/endpoints/{endpoint}", status_code=204)
def delete(change: Change, endpoint: EndpointName, body: Because, if_match: IfMatch = None) -> Response:
    """Take the endpoint away from the nodes; its history stays."""
    revision = expected_revision(if_match)

    def act(tx: Tx) -> Done:
        found = get_endpoint(tx, endpoint)
        change.caller.require("endpoints:delete", found.project, found.environment)
        delete_endpoint(tx, endpoint, change.actor, body.reason, revision)
        return 204, None

    return change.run(body, act)


@router.post("/endpoints/{endpoint}/rollback", response_model=RolloutShape)
def go_back(change: Change, endpoint: EndpointName, body: Because, if_match: IfMatch = None) -> Response:
    """Go back to what answered before the newest live rollout."""
    revision = expected_revision(if_match)

    def act(tx: Tx) -> Done:
        found = get_endpoint(tx, endpoint)
        change.caller.require("endpoints:deploy", found.project, found.environment)
        require_revision(found, revision)
        return 200, show_rollout(roll_back(tx, endpoint, change.actor, body.reason))

    return change.run(body, act)


@router.get("/endpoints/{endpoint}/rollout")
def newest_rollout(plane: Plane, caller: Who, endpoint: EndpointName) -> RolloutShape:
    """The endpoint's newest rollout."""
    with plane.database.read() as tx:
        found = _readable(tx, caller, endpoint, history=True)
        newest = page_of_rollouts(tx, found.name, limit=1).items
    if not newest:
        raise NotFound(f"{found.name} never had a rollout.")
    return show_rollout(newest[0])


@router.get("/endpoints/{endpoint}/rollouts")
def rollouts(
    plane: Plane, caller: Who, endpoint: EndpointName, limit: Limit = 50, cursor: Cursor = None
) -> Listing[RolloutShape]:
    """The endpoint's rollouts, newest first."""
    with plane.database.read() as tx:
        found = _readable(tx, caller, endpoint, history=True)
        return listing(page_of_rollouts(tx, found.name, limit, unseal(cursor) or ""), show_rollout)


@router.get("/endpoints/{endpoint}/logs")
def logs(plane: Plane, caller: Who, endpoint: EndpointName, limit: Limit = 20) -> Listing[RecordShape]:
    """The newest records of this node, newest first."""
    with plane.database.read() as tx:
        found = _readable(tx, caller, endpoint)
    # an endpoint that was made again does not show what an earlier one of its name was sent
    since = found.created_at[:19]
    records = read_records(plane.home.spool, found.name, limit)
    return Listing(items=[RecordShape(**record) for record in records if record["at"][:19] >= since])
