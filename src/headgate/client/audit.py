"""The ledger: every change, in a chain that shows when it was tampered with."""

from headgate.client.connection import Connection
from headgate.client.document import Document, Documents


class Audit:
    """`client.audit`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, object: str | None = None, actor: str | None = None, limit: int | None = None) -> Documents:
        """Events, newest first."""
        return list(self._connection.pages("/audit", limit, object=object, actor=actor))

    def verify(self) -> Document:
        """{"ok", "checked", "fault"}: whether the chain is whole, and else the first faulty row."""
        report: Document = self._connection.get("/audit/verify")
        return report
