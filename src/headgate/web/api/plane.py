"""What the routes work with: the parts of one control plane, handed to each request."""

import os
import threading
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from headgate.certificate import Certificate
from headgate.clock import Clock
from headgate.home import Home
from headgate.identity.root_key import read_signing_subkey
from headgate.metering.counters import Counters
from headgate.rollout.bell import Bell
from headgate.rollout.nodes import Nodes
from headgate.settings import Settings, reachable
from headgate.storage.database import Database
from headgate.storage.stores import ArtifactStore

# long polls each hold a thread; beyond this they are answered at once
POLLS = 16
# uploads hold one too, and may come slowly; beyond this they are asked to come back
UPLOADS = 8


@dataclass
class Stock:
    """How the artifact store was found when it was last looked at."""

    missing: tuple[str, ...] = ()  # artifacts that versions refer to and it does not have
    fault: str = ""  # why it could not be looked at


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """Everything that outlives a request."""

    home: Home
    settings: Settings
    clock: Clock
    database: Database
    counters: Counters
    store: ArtifactStore
    nodes: Nodes
    bell: Bell
    certificate: Certificate | None = None  # with which the API is served
    control_port: int  # the one that is listened on, also where the setting is 0
    polls: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(POLLS))
    stock: Stock = field(default_factory=Stock)
    uploads: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(UPLOADS))

    @property
    def url(self) -> str:
        """Where the control plane is reached from this machine."""
        return f"{self.settings.scheme}://{reachable(self.settings.host)}:{self.control_port}"

    @property
    def signing_subkey(self) -> bytes:
        """From which the secrets of signed requests are derived."""
        return read_signing_subkey(self.home.keys)

    @property
    def pid(self) -> int:
        return os.getpid()

    @property
    def data_url(self) -> str:
        """Where predictions are answered, as the nodes say, else as set."""
        ports = [report.port for report in self.nodes.reports()]
        port = ports[0] if ports else self.settings.port
        return f"{self.settings.scheme}://{reachable(self.settings.host)}:{port}"


def _of_request(request: Request) -> ControlPlane:
    return cast("ControlPlane", request.app.state.plane)


Plane = Annotated[ControlPlane, Depends(_of_request)]
