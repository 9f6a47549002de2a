"""The control plane's HTTP server: uvicorn, with the certificate in force and without patience for slow clients."""

import ssl
import time
from asyncio import AbstractEventLoop, AbstractServer
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI

from headgate.certificate import Certificate
from headgate.rollout.bell import Bell
from headgate.settings import Settings
from headgate.web.connections import KEEP_ALIVE_SECONDS, GuardedConfig, GuardedConnection

DRAIN_SECONDS = 5
# uvicorn ticks ten times a second
CHECK_TICKS = 5


class ControlServer(uvicorn.Server):
    """Lets long polls go as soon as it is asked to stop, instead of waiting for them; looks for a new certificate."""

    def __init__(self, api: FastAPI, bell: Bell, settings: Settings, certificate: Certificate | None = None) -> None:
        super().__init__(_config(api, certificate.context if certificate else None, settings))
        self._bell = bell
        self._certificate = certificate

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._bell.close()
        super().handle_exit(sig, frame)

    def on_tick(self, counter: int) -> Coroutine[Any, Any, bool]:
        if counter % CHECK_TICKS == 0:
            self._look()
        return super().on_tick(counter)

    def _look(self) -> None:
        if self._certificate is not None:
            self._certificate.check()
        now = time.monotonic()
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, GuardedConnection):
                connection.enforce(now)


class _Loop(uvloop.Loop):
    """uvicorn has no word for how long a TLS handshake may take; the loop's own is a minute."""

    handshake_seconds: float

    def create_server(  # type: ignore[override]  # whatever its overloads take is passed on
        self, *args: Any, **options: Any
    ) -> Coroutine[Any, Any, AbstractServer]:
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = self.handshake_seconds
        return super().create_server(*args, **options)


class _Config(GuardedConfig):
    def get_loop_factory(self) -> Callable[[], AbstractEventLoop]:
        return self._loop

    def _loop(self) -> AbstractEventLoop:
        loop = _Loop()
        loop.handshake_seconds = self.settings.header_seconds
        return loop


def _config(api: FastAPI, tls: ssl.SSLContext | None, settings: Settings) -> uvicorn.Config:
    config = _Config(
        api,
        http=GuardedConnection,
        ws="none",
        lifespan="off",
        ssl_context_factory=None if tls is None else lambda *_: tls,
        # one line per request would hold names that strangers chose
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(KEEP_ALIVE_SECONDS),
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    config.settings = settings
    return config
