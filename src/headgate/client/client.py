"""The client: nouns as attributes, the everyday verbs as methods."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from headgate.bundle.bundle import Bundle
from headgate.certificate import trust
from headgate.client.actors import Actors
from headgate.client.address import find_address
from headgate.client.artifacts import Artifacts
from headgate.client.audit import Audit
from headgate.client.backup import Backups
from headgate.client.connection import Connection, Progress
from headgate.client.deployments import Deployments, Watcher
from headgate.client.document import Document
from headgate.client.endpoints import Endpoints
from headgate.client.keys import Keys
from headgate.client.models import Models
from headgate.client.predictions import Predictions
from headgate.client.projects import Projects
from headgate.client.versions import Versions

API = "/api/v1"


class Client:
    """An instance of Headgate.

    `url` and `key` default to `HEADGATE_URL` and `HEADGATE_KEY`, else to the instance of the home (`home`,
    `HEADGATE_HOME`, or the nearest `.headgate` upwards). Answers are the API's JSON objects as dicts whose fields are
    attributes too. Errors of the server are raised as the classes of `headgate.errors`, `Unreachable` when nothing
    answers. An https address is verified: by the certificate of the home, elsewhere by the system's authorities and
    those in the PEM file `ca` or `HEADGATE_CA`. To be closed, or used in a `with` statement.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        home: str | Path | None = None,
        *,
        timeout: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
        ca: str | Path | None = None,
    ) -> None:
        address = find_address(url, key, home, os.environ, Path.cwd())
        authorities = str(ca or "")
        self.url = address.url
        self.connection = Connection(
            address.url,
            address.key,
            prefix=API,
            timeout=timeout,
            transport=transport,
            verify=lambda: trust(address.certificate, os.environ, authorities),
        )
        self.predictions = Predictions(self.connection, address, transport=transport, authorities=authorities)
        self.projects = Projects(self.connection)
        self.models = Models(self.connection)
        self.versions = Versions(self.connection)
        self.endpoints = Endpoints(self.connection)
        self.deployments = Deployments(self.connection)
        self.audit = Audit(self.connection)
        self.actors = Actors(self.connection)
        self.keys = Keys(self.connection)
        self.artifacts = Artifacts(self.connection)
        self.backups = Backups(self.connection)

    def status(self) -> Document:
        """What runs: control plane, agent, workers, hosts, endpoints."""
        status: Document = self.connection.get("/status")
        return status

    def register(
        self,
        bundle: Bundle | str | Path,
        *,
        alias: str | None = None,
        project: str | None = None,
        progress: Progress | None = None,
    ) -> Document:
        """Register a bundle as the next version of its model; the same bundle twice is the same version."""
        return self.versions.register(bundle, alias=alias, project=project, progress=progress)

    def approve(self, version: str, reason: str) -> Document:
        """Let `version` ("fraud:3") take production traffic."""
        return self.versions.approve(version, reason)

    def reject(self, version: str, reason: str) -> Document:
        return self.versions.reject(version, reason)

    def deploy(
        self,
        version: str,
        endpoint: str,
        *,
        wait: bool = True,
        timeout: float | None = None,
        progress: Watcher | None = None,
        **options: Any,
    ) -> Document:
        """Move `endpoint` to `version`; with `wait`, return the rollout when it is live on every worker.

        `options` are those of `deployments.start`: environment, project, strategy, force, reason. Raises `Refused`
        with the evidence when a gate says no or the rollout does not go live, `DeadlineExceeded` after `timeout` s.
        """
        rollout = self.deployments.start(version, endpoint, **options)
        if not wait:
            return rollout
        return self.deployments.wait_until_live(rollout, timeout=timeout, progress=progress)

    def predict(
        self,
        endpoint: str,
        data: Any,
        *,
        timeout: float | None = None,
        ids: Sequence[str] | None = None,
        priority: str = "",
    ) -> Document:
        """Predictions for a list of dicts, a pandas or Polars frame, a PyArrow table or a 2-D NumPy array.

        `answer.predictions` has one entry per row, in order; `answer.model` names the version that answered.
        `priority` is high, normal or low; high needs a key that may claim it. Raises `SignatureMismatch` with row and
        column for data that the contract does not allow.
        """
        return self.predictions.ask(endpoint, data, timeout=timeout, ids=ids, priority=priority)

    def stream(self, endpoint: str, data: Any, *, timeout: float | None = None) -> Iterator[Document]:
        """The parts of an answer as the model makes them: `for part in client.stream("chat", rows): part.predictions`.

        Every part has one entry per row; text goes on where the part before it ended, numbers take its place.
        """
        return self.predictions.stream(endpoint, data, timeout=timeout)

    def close(self) -> None:
        self.predictions.close()
        self.connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
