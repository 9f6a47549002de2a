"""Models: names with versions and an owner."""

from collections.abc import Mapping
from typing import Any

from headgate.client.connection import Connection, segment
from headgate.client.document import Document, Documents
from headgate.client.names import locate_version
from headgate.errors import InvalidName


class Models:
    """`client.models`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, project: str | None = None, limit: int | None = None) -> Documents:
        return list(self._connection.pages("/models", limit, project=project))

    def show(self, model: str) -> Document:
        """The model with its aliases and versions; raises `NotFound`."""
        found: Document = self._connection.get(f"/models/{segment(model)}")
        return found

    def update(
        self,
        model: str,
        *,
        owner: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Document:
        """Change what is given. Raises `PreconditionFailed` when somebody else changed the model meanwhile."""
        _, tag = self._connection.tagged(f"/models/{segment(model)}")
        given: dict[str, Any] = {"owner": owner, "description": description, "tags": tags}
        body = {name: value for name, value in given.items() if value is not None}
        changed: Document = self._connection.change("PATCH", f"/models/{segment(model)}", body, match=tag)
        return changed

    def diff(self, left: str, right: str) -> Document:
        """What differs between the manifests of two versions of one model."""
        model, first = locate_version(self._connection, left)
        other, second = locate_version(self._connection, right)
        if other != model:
            raise InvalidName(f"Expected two versions of one model, got {left} and {right}.")
        found: Document = self._connection.get(f"/models/{segment(model)}/diff", left=first, right=second)
        return found

    def set_alias(self, alias: str, version: str) -> Document:
        """Point `alias` at `version` of its model, whatever it pointed at before."""
        model, number = locate_version(self._connection, version)
        path = f"/models/{segment(model)}/aliases/{segment(alias)}"
        changed: Document = self._connection.change("PUT", path, {"version": number})
        return changed

    def drop_alias(self, model: str, alias: str) -> None:
        self._connection.change("DELETE", f"/models/{segment(model)}/aliases/{segment(alias)}")
