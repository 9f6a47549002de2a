"""Keys: what an actor shows to be let in."""

from typing import Any

from headgate.client.connection import Connection, segment
from headgate.client.document import Document, Documents
from headgate.errors import Conflict


class Keys:
    """`client.keys`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Documents:
        """Every key without its secret."""
        return list(self._connection.pages("/keys"))

    def create(
        self,
        actor: str,
        *,
        expires_days: int | None = None,
        note: str = "",
        requests_per_second: float = 0,
        concurrency: int = 0,
        priority: str = "",
        aws: bool = False,
    ) -> Document:
        """A new key; the secret in `key` is never shown again. Limits are those of predictions on a node, 0 for none.

        With `aws` also `aws_secret`, with which AWS's clients sign requests; their access key id is the key's `id`.
        `priority` is the highest that its requests may claim: high, normal (the default) or low.
        Raises `Conflict` when the key was lost on its way.
        """
        body: dict[str, Any] = {"actor": actor, "expires_days": expires_days, "note": note}
        body |= {"requests_per_second": requests_per_second, "concurrency": concurrency, "priority": priority}
        body |= {"aws": aws}
        body = {name: value for name, value in body.items() if value}
        made: Document = self._connection.change("POST", "/keys", body)
        if not made["key"]:
            raise Conflict(
                f"The key {made['id']} was made, but the connection broke before it was shown, and it is shown once. "
                f"Revoke it with `headgate key revoke {made['id']}` and create another."
            )
        return made

    def signers(self) -> Documents:
        """Keys that bundles are signed with, trusted and revoked, with what answers of theirs."""
        return list(self._connection.pages("/signers"))

    def trust(self, public_key: str, *, note: str = "") -> Document:
        """Let bundles signed with this key (32 raw bytes in base64) run code."""
        trusted: Document = self._connection.change("POST", "/signers", {"public_key": public_key, "note": note})
        return trusted

    def distrust(self, key: str, reason: str) -> Document:
        """Load no bundle with this key's signature any more; `answering` is what goes on until it is replaced."""
        revoked: Document = self._connection.change("POST", "/signers/revoke", {"key": key, "reason": reason})
        return revoked

    def revoke(self, key_id: str) -> None:
        self._connection.change("DELETE", f"/keys/{segment(key_id)}")
