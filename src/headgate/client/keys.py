"""Keys: what an actor shows to be let in."""

from typing import Any

from headgate.client.connection import Connection, segment
from headgate.client.document import Document, Documents


class Keys:
    """`client.keys`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Documents:
        """Every key without its secret."""
        return list(self._connection.pages("/keys"))

    def create(self, actor: str, *, expires_days: int | None = None, note: str = "") -> Document:
        """A new key; the secret in `key` is never shown again."""
        body: dict[str, Any] = {"actor": actor}
        if expires_days is not None:
            body["expires_days"] = expires_days
        if note:
            body["note"] = note
        key: Document = self._connection.change("POST", "/keys", body)
        return key

    def revoke(self, key_id: str) -> None:
        self._connection.change("DELETE", f"/keys/{segment(key_id)}")
