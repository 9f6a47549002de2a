"""Composition root of a worker: `python -m headgate.serving.main --home H --worker w0-4f2a --listen-fd 3`.

Settings come as JSON in the environment (`HEADGATE_SETTINGS`). The worker needs nothing but the files of its home: it
serves what they say while control plane, database and agent are dead.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import uvloop

from headgate.certificate import certificate_of
from headgate.crashes import SUFFIX, CallMarks
from headgate.errors import HeadgateError
from headgate.home import Home, write_atomically
from headgate.log_lines import configure
from headgate.origins import own_origins
from headgate.records import AccessTable, Limits, WorkerReport
from headgate.serving.access import Access
from headgate.serving.address_table import AddressTable
from headgate.serving.addresses import Addresses, targets_of
from headgate.serving.admission import Gates
from headgate.serving.connection_counts import ConnectionCounts
from headgate.serving.connections import Acceptor
from headgate.serving.control import Actions, ControlSocket
from headgate.serving.dialects.registry import load_dialects
from headgate.serving.endpoints import Composer
from headgate.serving.exposition import Exposition
from headgate.serving.metrics import Metrics, SpanMetrics
from headgate.serving.node_counts import NodeCounts
from headgate.serving.otlp import OtlpExporter
from headgate.serving.predict import LiveEndpoint, Predictions
from headgate.serving.refusals import Strangers
from headgate.serving.request_headers import know
from headgate.serving.request_ids import RequestIds
from headgate.serving.routes import Routes
from headgate.serving.rpc.door import Inside, rpc_of
from headgate.serving.server import Handle, Server
from headgate.serving.signatures import HEADERS as SIGNED_HEADERS
from headgate.serving.spans import Spans, sampling
from headgate.settings import Settings, read_settings
from headgate.spool.segment import SpoolWriter

SWEEP_SECONDS = 0.25
SETTLE_SECONDS = 2.0
# how long a thread that loads a model may keep the loop waiting
SWITCH_SECONDS = 0.0005
log = logging.getLogger("headgate.serving")
_access_tables = msgspec.json.Decoder(AccessTable)


class Worker:
    """One worker process."""

    def __init__(self, home: Home, name: str, listener: socket.socket, settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        self._home = home
        self._name = name
        self._settings = settings
        self._listener = listener
        self._draining = asyncio.Event()
        self._writer = SpoolWriter(home.spool, name, settings.spool_bytes)
        self._metrics = Metrics(home.run / "metrics", name)
        self._metrics.began(time.time())
        self._limits = NodeCounts(home.run / "limits")
        self._gates = Gates(self._limits)
        self._access = Access(settings.require_keys, gates=self._gates.of_key)
        self._marks = CallMarks(home.run / f"{name}.{SUFFIX}")
        self._spans = spans_of(settings, name, self._metrics)
        composer = Composer(loop, self._metrics, self._writer, self._gates, self._marks, self._spans)
        self._routes = Routes(home, settings, self._marks, composer.compose, self._routes_changed)
        exposition = Exposition(loop, home, self._versions)
        ids = RequestIds()
        strangers = Strangers(self._metrics.refused(), ids.new)
        dialects = load_dialects(settings)
        know([*SIGNED_HEADERS, *(name for dialect in dialects for name in dialect.headers)])
        table = AddressTable(dialects)
        addresses = Addresses(table, self._routes, self._access, exposition, self._draining.is_set, strangers, settings)
        self._predictions = Predictions(self._access, ids.new, addresses.answer)
        addresses.remember = self._predictions.remember
        self._counts = ConnectionCounts(home.run / "connections")
        hosts = own_origins(settings, listener.getsockname()[1]).hosts
        handle: Handle = self._predictions.handle
        if settings.trace_ratio:
            handle = sampling(handle, settings.trace_ratio)
        self.server = Server(settings, hosts, strangers.turn_away, handle, addresses.body_limit, self._counts.closed)
        self._certificate = certificate_of(settings, home.run)
        context = self._certificate.context if self._certificate else None
        self._acceptor = Acceptor(
            loop, listener, self._counts, self.server.connection, context, settings.header_seconds
        )
        inside = Inside(addresses, self._access, ids.new, self._most_bytes)
        self._rpc = rpc_of(settings, self._certificate, inside)
        actions = Actions(self._refresh, self._drain, self._report)
        self._control = ControlSocket(home.run / f"{name}.sock", listener, actions, settings.heartbeat_seconds)

    async def run(self) -> None:
        """Serve until told to drain, then drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._drain)
        self._control.start()
        self._sweep()
        await self.prepare()
        self._acceptor.start()
        if self._rpc is not None:
            await self._rpc.start()
        self._announce()
        await self._draining.wait()
        await self._finish()

    async def prepare(self) -> None:
        """Take the tables on disk, or as many as can be taken soon."""
        self._refresh()
        loop = asyncio.get_running_loop()
        # others on the same socket answer meanwhile; but an endpoint that takes long does not hold the rest up
        await asyncio.wait([loop.create_task(self._routes.settled())], timeout=SETTLE_SECONDS)
        # what is there now lives for long: the collector need not look at it again and again
        gc.collect()
        gc.freeze()

    def endpoint(self, name: str) -> LiveEndpoint:
        """An endpoint in force."""
        return self._routes.live[name]

    def _announce(self) -> None:
        content = {
            "worker": self._name,
            "pid": os.getpid(),
            "socket": str(self._home.run / f"{self._name}.sock"),
            "started": time.time(),
        }
        write_atomically(self._home.run / f"{self._name}.json", json.dumps(content).encode())

    def _drain(self) -> None:
        if not self._draining.is_set():
            self._draining.set()
            # what is asked from now on is answered, and told that it was the last on its connection
            self.server.draining = True
            self._acceptor.stop()
            if self._rpc is not None:
                self._rpc.changed()
            self._control.changed()

    async def _finish(self) -> None:
        """Answer what comes on open connections for a while, close those that are silent, wait for the rest."""
        rpc = asyncio.ensure_future(self._rpc.drain()) if self._rpc is not None else None
        await self._acceptor.settled(self._settings.drain_seconds)
        await until(lambda: not self.server.connections, self._settings.drain_seconds)
        self.server.close_idle()
        await until(lambda: not self.server.in_flight, self._settings.drain_seconds)
        if rpc is not None:
            await rpc
        await self._control.close()
        (self._home.run / f"{self._name}.json").unlink(missing_ok=True)
        self._routes.close()
        self._writer.close()
        self._counts.close()
        self._limits.close()
        if self._spans is not None:
            self._spans.close()
        self._metrics.close()
        self._marks.remove()

    def _sweep(self) -> None:
        """What happens every quarter of a second: the only timer."""
        # first: whatever goes wrong in one sweep, there is another
        asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)
        self.server.sweep()
        self._gates.sweep()
        self._metrics.connections(len(self.server.connections))
        self._metrics.in_flight(self.server.in_flight)
        self._metrics.records(self._writer.appended, self._writer.appended_bytes, self._writer.dropped)
        if self._certificate is not None:
            self._certificate.check()
            self._metrics.old_certificate(bool(self._certificate.fault))

    def _refresh(self) -> None:
        self._read_access()
        self._routes.refresh()

    def _read_access(self) -> None:
        try:
            table = _access_tables.decode(self._home.access.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            # the one in force stays: nobody gains a right by a damaged file
            log.error("the access table cannot be read: %s", error)
            return
        self._access.apply(table)

    def _routes_changed(self) -> None:
        self._predictions.targets = targets_of(self._routes.live)
        if self._rpc is not None:
            self._rpc.changed()
        self._metrics.tables(live.table for live in self._routes.live.values())
        self._control.changed()

    def _most_bytes(self) -> int:
        limits = [table.spec.limits for table in self._routes.known.values()]
        return max(each.max_body_bytes for each in [*limits, Limits()])

    def _versions(self) -> dict[str, str]:
        tables = self._routes.known.values()
        return {variant.digest: variant.version for table in tables for variant in table.variants}

    def _report(self) -> WorkerReport:
        return WorkerReport(
            worker=self._name,
            pid=os.getpid(),
            ready=self._routes.ready and not self._draining.is_set(),
            draining=self._draining.is_set(),
            generations={name: live.table.number for name, live in self._routes.live.items()},
            failures=self._routes.failures,
            access_number=self._access.number[1],
            digests=self._routes.digests,
            drains=self._routes.drains,
            connections=len(self.server.connections),
            in_flight=self.server.in_flight + (self._rpc.in_flight if self._rpc else 0),
            requests=self.server.requests,
            certificate_fault=self._certificate.fault if self._certificate else "",
        )


def spans_of(settings: Settings, worker: str, metrics: Metrics) -> Spans | None:
    """Where sampled requests are told, if anywhere; raises `Unavailable` without the extra."""
    if not settings.otlp_endpoint:
        return None
    return Spans(OtlpExporter(settings.otlp_endpoint, worker), SpanMetrics(metrics))


async def until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for something, but no longer than so many seconds."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        await asyncio.sleep(0.01)


async def serve(home: Home, name: str, listener: socket.socket, settings: Settings) -> None:
    """Run one worker until it has drained."""
    await Worker(home, name, listener, settings).run()


def main(arguments: Sequence[str]) -> int:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="headgate.serving.main", description="One worker of the data plane.")
    parser.add_argument("--home", required=True, type=Path, help="the instance's folder")
    parser.add_argument("--worker", required=True, help="name of this process, such as w0-4f2a")
    parser.add_argument("--listen-fd", required=True, type=int, help="descriptor of the listening socket")
    chosen = parser.parse_args(arguments)
    settings = read_settings(chosen.home, os.environ)
    configure(chosen.worker, settings.log_format)
    listener = socket.socket(fileno=chosen.listen_fd)
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        uvloop.run(serve(Home(chosen.home.absolute()).create(), chosen.worker, listener, settings))
    except HeadgateError as error:
        log.error("%s", error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
