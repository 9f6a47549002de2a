"""Actors: people and services, and what they may do."""

from collections.abc import Sequence

from headgate.client.connection import Connection, segment
from headgate.client.document import Document, Documents


class Actors:
    """`client.actors`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Documents:
        return list(self._connection.pages("/actors"))

    def add(
        self,
        name: str,
        *,
        kind: str = "person",
        roles: Sequence[str] = (),
        project: str | None = None,
        environment: str | None = None,
    ) -> Document:
        """A new actor with roles in one project and environment; without these, in all."""
        body = {"name": name, "kind": kind, "roles": list(roles), **_scope(project, environment)}
        actor: Document = self._connection.change("POST", "/actors", body)
        return actor

    def remove(self, name: str) -> None:
        """Take the actor's keys and grants away; its events stay."""
        self._connection.change("DELETE", f"/actors/{segment(name)}")

    def grant(self, name: str, role: str, *, project: str | None = None, environment: str | None = None) -> Document:
        body = {"role": role, **_scope(project, environment)}
        actor: Document = self._connection.change("POST", f"/actors/{segment(name)}/grants", body)
        return actor

    def revoke(self, name: str, role: str, *, project: str | None = None, environment: str | None = None) -> None:
        """Take a role back, in one place or wherever it is held."""
        path = f"/actors/{segment(name)}/grants/{segment(role)}"
        self._connection.change("DELETE", path, project=project, environment=environment)


def _scope(project: str | None, environment: str | None) -> dict[str, str]:
    given = {"project": project, "environment": environment}
    return {name: value for name, value in given.items() if value is not None}
