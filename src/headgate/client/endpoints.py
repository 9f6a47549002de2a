"""Endpoints: named addresses that answer predictions."""

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

    def logs(self, endpoint: str, *, limit: int = 20) -> Documents:
        """The newest records of predictions, newest first."""
        answer = self._connection.get(f"/endpoints/{segment(endpoint)}/logs", limit=limit)
        items: Documents = answer["items"]
        return items
