"""Projects and environments: what models, endpoints, keys and grants belong to."""

from headgate.client.connection import Connection
from headgate.client.document import Document, Documents


class Projects:
    """`client.projects`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Documents:
        return list(self._connection.pages("/projects"))

    def create(self, name: str) -> Document:
        project: Document = self._connection.change("POST", "/projects", {"name": name})
        return project

    def environments(self) -> Documents:
        """Every environment, and whether approval binds there."""
        return list(self._connection.pages("/environments"))
