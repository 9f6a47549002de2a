"""The ledger, read only."""

from typing import Annotated, Any

from fastapi import Query

from headgate.ledger.chain import verify_ledger
from headgate.ledger.events import StoredEvent, list_events
from headgate.web.api.guards import guarded
from headgate.web.api.plane import Plane
from headgate.web.api.shapes import Cursor, Limit, Listing, Shape, listing, unseal

router = guarded("audit")

Filter = Annotated[str | None, Query(max_length=300)]


class EventShape(Shape):
    number: int
    at: str
    actor: str
    verb: str
    object: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hash: str


class FaultShape(Shape):
    kind: str
    number: int
    message: str


class ChainShape(Shape):
    ok: bool
    checked: int
    fault: FaultShape | None


def _event(event: StoredEvent) -> EventShape:
    return EventShape(**{name: getattr(event, name) for name in EventShape.model_fields})


@router.get("/audit")
def list_all(
    plane: Plane,
    limit: Limit = 50,
    cursor: Cursor = None,
    about: Annotated[str | None, Query(alias="object", max_length=300, examples=["version:fraud:3"])] = None,
    actor: Filter = None,
) -> Listing[EventShape]:
    """Events, newest first."""
    with plane.database.read() as tx:
        return listing(list_events(tx, limit=limit, cursor=unseal(cursor), object=about, actor=actor), _event)


@router.get("/audit/verify")
def verify(plane: Plane) -> ChainShape:
    """Check the whole chain against its key and anchor."""
    report = verify_ledger(plane.database)
    fault = report.fault
    shown = None if fault is None else FaultShape(kind=fault.kind, number=fault.number, message=fault.message)
    return ChainShape(ok=report.ok, checked=report.checked, fault=shown)
