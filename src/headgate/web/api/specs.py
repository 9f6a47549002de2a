"""Specs of endpoints: limits, policies, cache, recording, fallback."""

from typing import Annotated, Any

import msgspec
from fastapi import Response
from pydantic import Field

from headgate.records import EndpointSpec
from headgate.rollout.configuration import Configuration, configure, placed
from headgate.rollout.endpoints import Endpoint, get_endpoint
from headgate.rollout.specs import parse_spec, read_spec
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.guards import Who, guarded
from headgate.web.api.plane import Plane
from headgate.web.api.shapes import EndpointName, IfMatch, Shape, etag, expected_revision, reference_to

router = guarded("endpoints")


class NewSpec(Shape):
    spec: Annotated[dict[str, Any], reference_to("EndpointSpec")]
    environment: str | None = Field(default=None, max_length=128, description="For a new endpoint; default: staging.")
    project: str | None = Field(default=None, max_length=128, description="For a new endpoint; default: default.")
    reason: str = Field(default="", max_length=4_000)


class SpecShape(Shape):
    endpoint: str
    project: str
    environment: str
    revision: int
    spec: Annotated[dict[str, Any], reference_to("EndpointSpec")]


def _show(endpoint: Endpoint, spec: EndpointSpec) -> SpecShape:
    return SpecShape(
        endpoint=endpoint.name,
        project=endpoint.project,
        environment=endpoint.environment,
        revision=endpoint.revision,
        spec=msgspec.to_builtins(spec),
    )


@router.get("/endpoints/{endpoint}/spec")
def spec(plane: Plane, caller: Who, response: Response, endpoint: EndpointName) -> SpecShape:
    """What the endpoint's owner has chosen, with every default."""
    with plane.database.read() as tx:
        found = get_endpoint(tx, endpoint)
        caller.require("endpoints:read", found.project, found.environment)
        response.headers["ETag"] = etag(found.revision)
        return _show(found, read_spec(tx, found.name))


@router.put("/endpoints/{endpoint}/spec", response_model=SpecShape)
def configured(change: Change, endpoint: EndpointName, body: NewSpec, if_match: IfMatch = None) -> Response:
    """Give the endpoint this spec, whole: what it leaves out is the default. An endpoint that is new is made."""
    wish = Configuration(
        endpoint=endpoint,
        spec=parse_spec(body.spec),
        reason=body.reason,
        project=body.project,
        environment=body.environment,
        revision=expected_revision(if_match),
    )

    def act(tx: Tx) -> Done:
        change.caller.require("endpoints:deploy", *placed(tx, wish))
        made = configure(tx, wish, change.actor)
        return 200, _show(made, read_spec(tx, made.name))

    return change.run(body, act)
