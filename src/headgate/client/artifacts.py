"""Artifacts: the stored bundles, as the store has them."""

import json

from headgate.client.connection import Connection
from headgate.client.document import Document, as_document

COLLECT_SECONDS = 600.0


class Artifacts:
    """`client.artifacts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def collect(self, *, dry_run: bool = False, grace_hours: float | None = None, reason: str = "") -> Document:
        """Remove what no version refers to and no upload holds, unless it is younger than the grace (24 hours)."""
        wish = {"dry_run": dry_run, "reason": reason} | ({} if grace_hours is None else {"grace_hours": grace_hours})
        headers = {"Content-Type": "application/json"}
        content = json.dumps(wish).encode()
        answer = self._connection.send("POST", "/artifacts/collect", content, headers, timeout=COLLECT_SECONDS)
        done: Document = as_document(answer.content)
        return done
