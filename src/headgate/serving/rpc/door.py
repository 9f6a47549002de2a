"""The way to gRPC for a worker that may speak it: nothing of it is imported before it is asked for."""

import importlib
import logging
import os
from collections.abc import Callable
from typing import NamedTuple, Protocol

from headgate.certificate import Certificate
from headgate.serving.access import Access
from headgate.serving.addresses import Addresses
from headgate.settings import GRPC_MISSING, Settings

SERVER = "headgate.serving.rpc.server"
log = logging.getLogger("headgate.serving")


class Inside(NamedTuple):
    """What calls are answered with."""

    addresses: Addresses
    access: Access
    new_id: Callable[[], str]
    most_bytes: Callable[[], int]  # of a message, as endpoints take them now


class Rpc(Protocol):
    """A server beside that of HTTP."""

    @property
    def in_flight(self) -> int:
        """Calls that are not answered yet."""
        ...

    async def start(self) -> None:
        """Begin to listen; raises `Unavailable` where that is not possible."""
        ...

    def changed(self) -> None:
        """The endpoints are others, or the worker drains."""
        ...

    async def drain(self) -> None:
        """Answer what comes until clients are elsewhere, then end."""
        ...


def rpc_of(settings: Settings, certificate: Certificate | None, inside: Inside) -> Rpc | None:
    """The gRPC server, None where its port is 0 or grpcio is not installed, which the log says."""
    if not settings.grpc_port:
        return None
    # a worker never forks but to run another program, of which grpcio would tell in the log
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    try:
        server: Rpc = importlib.import_module(SERVER).RpcServer(settings, certificate, inside)
    except ImportError as error:
        log.warning("%s (%s)", GRPC_MISSING, error)
        return None
    return server
