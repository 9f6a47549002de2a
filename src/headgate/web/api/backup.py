"""The whole instance as one file."""

from fastapi import Response

from headgate.ledger.events import Event, append
from headgate.storage.backup import stream_backup
from headgate.web.api.guards import Who, guarded
from headgate.web.api.plane import Plane
from headgate.web.api.streams import Stream

router = guarded("backup")

TAR = "application/x-tar"


@router.post(
    "/backup",
    response_class=Stream,
    responses={200: {"content": {TAR: {"schema": {"type": "string", "format": "binary"}}}}},
)
def backup(plane: Plane, caller: Who) -> Response:
    """Everything that the instance knows, as of now; it holds secrets."""
    # whoever has the file has the keys in it: that it was taken is written down, also in the file itself
    with plane.database.write() as tx:
        append(tx, Event(actor=caller.actor, verb="instance.backup", object="instance"))
    return Stream(stream_backup(plane.database, plane.store, plane.home), media_type=TAR)
