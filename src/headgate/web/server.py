"""The control plane's HTTP server: uvicorn, with the certificate in force and without patience for slow greetings."""

import ssl
from asyncio import AbstractEventLoop, AbstractServer
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI

from headgate.certificate import Certificate
from headgate.rollout.bell import Bell

DRAIN_SECONDS = 5
KEEP_ALIVE_SECONDS = 30
# uvicorn ticks ten times a second
CHECK_TICKS = 5


class ControlServer(uvicorn.Server):
    """Lets long polls go as soon as it is asked to stop, instead of waiting for them; looks for a new certificate."""

    def __init__(
        self, api: FastAPI, bell: Bell, certificate: Certificate | None = None, handshake_seconds: float = 10.0
    ) -> None:
        super().__init__(_config(api, certificate.context if certificate else None, handshake_seconds))
        self._bell = bell
        self._certificate = certificate

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._bell.close()
        super().handle_exit(sig, frame)

    def on_tick(self, counter: int) -> Coroutine[Any, Any, bool]:
        if self._certificate is not None and counter % CHECK_TICKS == 0:
            self._certificate.check()
        return super().on_tick(counter)


class _Loop(uvloop.Loop):
    """uvicorn has no word for how long a TLS handshake may take; the loop's own is a minute."""

    handshake_seconds: float

    def create_server(  # type: ignore[override]  # whatever its overloads take is passed on
        self, *args: Any, **options: Any
    ) -> Coroutine[Any, Any, AbstractServer]:
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = self.handshake_seconds
        return super().create_server(*args, **options)


class _Config(uvicorn.Config):
    handshake_seconds: float

    def get_loop_factory(self) -> Callable[[], AbstractEventLoop]:
        return self._loop

    def _loop(self) -> AbstractEventLoop:
        loop = _Loop()
        loop.handshake_seconds = self.handshake_seconds
        return loop


def _config(api: FastAPI, tls: ssl.SSLContext | None, handshake_seconds: float) -> uvicorn.Config:
    config = _Config(
        api,
        http="httptools",
        ws="none",
        lifespan="off",
        ssl_context_factory=None if tls is None else lambda *_: tls,
        # one line per request would hold names that strangers chose
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    config.handshake_seconds = handshake_seconds
    return config
