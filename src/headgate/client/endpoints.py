"""Endpoints: named addresses that answer predictions."""

from collections.abc import Mapping
from typing import Any

from headgate.client.connection import Connection, segment
from headgate.client.document import Document, Documents


class Endpoints:
    """`client.endpoints`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, limit: int | None = None) -> Documents:
        return list(self._connection.pages("/endpoints", limit))

    def show(self, endpoint: str, *, at: str | None = None) -> Document:
        """What is live, or what was live at an ISO time: version, who put it there, on what evidence."""
        found: Document = self._connection.get(f"/endpoints/{segment(endpoint)}", at=at)
        return found

    def delete(self, endpoint: str, reason: str) -> None:
        self._connection.change("DELETE", f"/endpoints/{segment(endpoint)}", {"reason": reason})

    def spec(self, endpoint: str) -> Document:
        """What its owner has chosen: limits, policies, cache, recording, fallback; with the revision that was read."""
        found: Document = self._connection.get(f"/endpoints/{segment(endpoint)}/spec")
        return found

    def configure(
        self,
        endpoint: str,
        spec: Mapping[str, Any],
        *,
        reason: str = "",
        project: str | None = None,
        environment: str | None = None,
        revision: int | None = None,
    ) -> Document:
        """Give the endpoint this spec, whole; what it leaves out is the default. An endpoint that is new is made.

        With `revision` it is refused (`PreconditionFailed`) when the endpoint was changed since that was read.
        """
        body = {"spec": dict(spec), "reason": reason, "project": project, "environment": environment}
        given = {name: value for name, value in body.items() if value is not None}
        match = "" if revision is None else f'"{revision}"'
        path = f"/endpoints/{segment(endpoint)}/spec"
        changed: Document = self._connection.change("PUT", path, given, match=match)
        return changed

    def logs(self, endpoint: str, *, limit: int = 20) -> Documents:
        """The newest records of predictions, newest first."""
        answer = self._connection.get(f"/endpoints/{segment(endpoint)}/logs", limit=limit)
        items: Documents = answer["items"]
        return items
