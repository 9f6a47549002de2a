"""What the node agents ask and tell."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from anyio import from_thread
from fastapi import Path, Query, Request, Response

from headgate.errors import Malformed
from headgate.records import NodeReport, NodeTables
from headgate.registry.versions import get_version_by_digest
from headgate.rollout.publishing import node_tables, read_cursor
from headgate.storage.stores import check_digest
from headgate.web.api.door import BUNDLE_TYPE
from headgate.web.api.guards import guarded
from headgate.web.api.plane import ControlPlane, Plane
from headgate.web.api.streams import Stream

router = guarded("node")

LONGEST_WAIT = 30.0
# changes by another process are not rung for
GLANCE_SECONDS = 1.0
CHUNK = 1 << 18
_report = msgspec.json.Decoder(NodeReport)


def _answers(record: str) -> dict[int | str, dict[str, object]]:
    schema = {"$ref": f"#/components/schemas/{record}"}
    return {200: {"content": {"application/json": {"schema": schema}}, "description": "Read at format N and N-1."}}


@router.get("/node/tables", response_class=Response, responses=_answers("NodeTables"))
def tables(
    plane: Plane,
    cursor: Annotated[int, Query(ge=0, le=2**62, description="`cursor` of the tables that the node has.")] = 0,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, allow_inf_nan=False, description="Seconds to wait.")] = 0.0,
) -> Response:
    """All that a node must know, as soon as it is not what the node knows, or when the wait is over."""
    # each holds a thread: when there are too many, waiting is the caller's business
    waits = plane.polls.acquire(blocking=False)
    try:
        found = _changed(plane, cursor, wait if waits else 0.0)
    finally:
        if waits:
            plane.polls.release()
    return Response(msgspec.json.encode(found), media_type="application/json")


def _changed(plane: ControlPlane, cursor: int, wait: float) -> NodeTables:
    end = plane.clock.monotonic() + wait
    while True:
        rung = plane.bell.rings
        left = end - plane.clock.monotonic()
        with plane.database.read() as tx:
            if read_cursor(tx) != cursor or left <= 0 or plane.bell.closed:
                return node_tables(tx, keys_required=plane.settings.require_keys, signing=plane.signing_subkey)
        plane.bell.wait(rung, min(left, GLANCE_SECONDS))


@router.get(
    "/node/bundles/{digest}",
    response_class=Stream,
    responses={200: {"content": {BUNDLE_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
def bundle(plane: Plane, digest: Annotated[str, Path(description="sha256 of the manifest, in hex.")]) -> Response:
    """A registered bundle as it was registered."""
    check_digest(digest)
    with plane.database.read() as tx:
        record = get_version_by_digest(tx, digest)
    stored = plane.store.open(record.artifact)

    def chunks() -> Iterator[bytes]:
        with stored:
            # one is held back: the end is only reached when all of them were sound
            held = stored.read(CHUNK)
            while chunk := stored.read(CHUNK):
                yield held
                held = chunk
            yield held

    return Stream(chunks(), media_type=BUNDLE_TYPE, headers={"Content-Length": str(record.size)})


@router.post(
    "/node/report",
    status_code=204,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NodeReport"}}},
        }
    },
)
def report(plane: Plane, request: Request) -> Response:
    """A node's heartbeat."""
    try:
        heard = _report.decode(from_thread.run(request.body))
    except msgspec.MsgspecError as error:
        raise Malformed(f"The body is no NodeReport: {error}.") from error
    plane.nodes.hear(heard)
    return Response(status_code=204)
