"""The gRPC server of one worker: grpcio's, on the worker's own loop, at a port that all workers share.

A server of grpcio that is stopped cancels the calls that reach it before its clients know. So a draining worker takes
its socket out of the listening ones and waits: every connection is renewed so often (`MAX_AGE` of the time to drain),
with a GOAWAY that costs no call, and then made to another worker; what is left in the end is stopped.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from headgate.certificate import Certificate
from headgate.errors import HeadgateError, Unavailable
from headgate.serving.dialects.oip_messages import POOL, SERVICE
from headgate.serving.rpc.door import Inside
from headgate.serving.rpc.service import Service
from headgate.settings import Settings

CALLS = 1024  # of one worker at once; more are refused
STREAMS = 256  # of one connection at once; more wait
MAX_AGE = 1.8  # of the seconds to drain; grpcio adds up to a tenth
LOOK_SECONDS = 0.05
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].full_name
log = logging.getLogger("headgate.serving")


class RpcServer:
    """Listens for gRPC."""

    def __init__(self, settings: Settings, certificate: Certificate | None, inside: Inside) -> None:
        self._port = settings.grpc_port
        self._settings = settings
        self._certificate = certificate
        self._addresses = inside.addresses
        self._most_bytes = inside.most_bytes
        self._service = Service(inside.addresses, inside.access, inside.new_id, settings.trace_ratio)
        self._health = health.aio.HealthServicer()
        self._server: Any = None
        self._taken = 0  # bytes of the longest message
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Calls that are not answered yet."""
        return self._service.in_flight

    async def start(self) -> None:
        """Begin to listen; raises `Unavailable` where that is not possible."""
        self._taken = self._most_bytes()
        self._server = server = grpc.aio.server(options=self._options(), maximum_concurrent_rpcs=CALLS)
        server.add_generic_rpc_handlers((self._service.methods(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (SERVICE, HEALTH, REFLECTION)
        guarded = GuardedReflection(self._service, reflection.aio.ReflectionServicer(names, pool=_described()))
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(guarded, server)
        host = self._settings.host
        address = f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"
        try:
            if self._certificate is None:
                server.add_insecure_port(address)
            else:
                server.add_secure_port(address, _credentials(self._certificate))
            await server.start()
        except RuntimeError as error:
            raise Unavailable(f"Expected to listen for gRPC at {address}, got: {error}.") from error
        log.info("gRPC is spoken at %s", address)
        await self._tell_health()

    def changed(self) -> None:
        """The endpoints are others, or the worker drains."""
        self._service.forget()
        if self._server is not None:
            self._keep(self._tell_health())
            if self._most_bytes() > self._taken:
                log.warning("messages over %d bytes are taken from the next start of this worker on", self._taken)

    async def drain(self) -> None:
        """Take no new connection, answer what comes on those there are until they end, then end the rest."""
        seconds = self._settings.drain_seconds
        for found in self._sockets():
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                # out of the group that shares the port: what is still to come goes to the others
                found.shutdown(socket.SHUT_RD)
        end = time.monotonic() + 2 * seconds
        while time.monotonic() < end and any(map(_is_connected, self._sockets())):
            await asyncio.sleep(LOOK_SECONDS)
        await self._server.stop(min(seconds, 1.0))

    async def _tell_health(self) -> None:
        states = health_pb2.HealthCheckResponse
        status = states.SERVING if self._addresses.ready else states.NOT_SERVING
        for name in ("", SERVICE):
            await self._health.set(name, status)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        # the loop keeps only weak references to tasks
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _options(self) -> list[tuple[str, Any]]:
        settings = self._settings
        return [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", self._taken),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", settings.max_header_bytes),
            ("grpc.absolute_max_metadata_size", settings.max_header_bytes),
            ("grpc.max_concurrent_streams", STREAMS),
            ("grpc.max_connection_age_ms", max(500, int(MAX_AGE * 1000 * settings.drain_seconds))),
            ("grpc.max_connection_idle_ms", int(settings.keep_alive_seconds * 1000)),
            ("grpc.server_handshake_timeout_ms", int(settings.header_seconds * 1000)),
        ]

    def _sockets(self) -> Iterator[socket.socket]:
        """Those of this process at the port: grpcio lends them to nobody."""
        for path in Path("/proc/self/fd").iterdir():
            try:
                found = socket.socket(fileno=os.dup(int(path.name)))
            except OSError:
                continue  # another kind of file, or closed by now
            with found:
                if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockname()[1] == self._port:
                    yield found


class GuardedReflection:
    """What may be called, told to whoever has a key."""

    def __init__(self, service: Service, servicer: Any) -> None:
        self._service = service
        self._servicer = servicer

    async def ServerReflectionInfo(self, requests: Any, context: Any) -> Any:
        """The one method of the service."""
        try:
            self._service.check_key(context.invocation_metadata())
        except HeadgateError as error:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, error.message)
        async for answer in self._servicer.ServerReflectionInfo(requests, context):
            yield answer


def _is_connected(found: socket.socket) -> bool:
    try:
        found.getpeername()
    except OSError:
        return False
    return True


def _described() -> Any:
    for file in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        POOL.AddSerializedFile(file.serialized_pb)
    return POOL


def _credentials(certificate: Certificate) -> Any:
    """The pair in force at each greeting: a PEM text holds both, and each reader takes its own out of it."""

    def pair() -> Any:
        return grpc.ssl_server_certificate_configuration([(certificate.pem, certificate.pem)])

    return grpc.dynamic_ssl_server_credentials(pair(), pair)
