"""A worker that answers without a model: `python -m headgate.testing.node.worker --worker W --listen-fd N --home H`.

It speaks the agent's protocol in full. The name of a version says how it behaves: `stuck` never swaps, takes no later
table of that endpoint and is not ready again, `refused` reports a failure, `slow` loads for a second.
"""

import argparse
import json
import os
import selectors
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from headgate.home import Home, unix_address, write_atomically
from headgate.records import Drain, HandOver, LoadFailure, Refresh, RouteTable, WorkerCommand, WorkerReport
from headgate.settings import Settings, read_settings

SLOW_SECONDS = 1.0
_commands = msgspec.json.Decoder(WorkerCommand)
_tables = msgspec.json.Decoder(RouteTable)


class Worker:
    """The whole process. HTTP connections have a thread each, everything else is one loop."""

    def __init__(self, home: Home, name: str, listener: socket.socket, settings: Settings) -> None:
        self._home = home
        self._name = name
        self._settings = settings
        self._listener = listener
        self._tables: dict[str, RouteTable] = {}
        self._failures: dict[str, LoadFailure] = {}
        self._stuck: set[str] = set()
        self._loading: dict[str, tuple[float, RouteTable]] = {}
        self._requests = 0
        self._draining = threading.Event()
        self._connections: set[threading.Thread] = set()
        self._links: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._door = socket.socket(socket.AF_UNIX)

    def run(self) -> None:
        address = self._home.run / f"{self._name}.sock"
        self._door.bind(unix_address(address))
        self._door.listen(16)
        self._selector.register(self._door, selectors.EVENT_READ, self._welcome)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        note = {"worker": self._name, "pid": os.getpid(), "socket": str(address), "started": time.time()}
        write_atomically(self._home.run / f"{self._name}.json", json.dumps(note).encode())
        self._read_tables()
        beat = time.monotonic()
        while not self._draining.is_set():
            for key, _ in self._selector.select(0.05):
                key.data()
            self._load()
            if time.monotonic() - beat > self._settings.heartbeat_seconds:
                beat = time.monotonic()
                self._tell()
        self._leave()
        for suffix in ("json", "sock"):
            (self._home.run / f"{self._name}.{suffix}").unlink(missing_ok=True)

    def _leave(self) -> None:
        self._selector.unregister(self._listener)
        self._listener.close()
        deadline = time.monotonic() + self._settings.drain_seconds
        while self._connections and time.monotonic() < deadline:
            self._tell()
            time.sleep(0.02)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._connections.add(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(30)
            while self._serve_one(connection):
                pass
        self._connections.discard(threading.current_thread())

    def _serve_one(self, connection: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(65_536)
            if not part:
                return False
            request += part
        self._requests += 1
        last = self._draining.is_set() or b"connection: close" in request.lower()
        numbers = {endpoint: table.number for endpoint, table in self._tables.items()}
        body = json.dumps({"pid": os.getpid(), "worker": self._name, "generations": numbers}).encode()
        close = "Connection: close\r\n" if last else ""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{close}\r\n"
        connection.sendall(head.encode() + body)
        return not last

    def _welcome(self) -> None:
        link, _ = self._door.accept()
        self._links.append(link)
        self._selector.register(link, selectors.EVENT_READ, lambda: self._obey(link))
        self._send(link)

    def _obey(self, link: socket.socket) -> None:
        content = b""
        with suppress(OSError):
            content = link.recv(65_536)
        if not content:
            self._selector.unregister(link)
            self._links.remove(link)
            link.close()
            return
        for line in content.splitlines():
            command = _commands.decode(line)
            if isinstance(command, Refresh):
                self._read_tables()
            elif isinstance(command, HandOver):
                socket.send_fds(link, [b'{"hand_over":true}\n'], [self._listener.fileno()])
            elif isinstance(command, Drain):
                self._draining.set()

    def _read_tables(self) -> None:
        found = []
        for path in self._home.routes.glob("*.json"):
            with suppress(msgspec.DecodeError):
                found.append(_tables.decode(path.read_bytes()))
        for endpoint in self._tables.keys() - {table.endpoint for table in found}:
            del self._tables[endpoint]
        for table in found:
            known = self._tables.get(table.endpoint)
            if table.endpoint not in self._stuck and (known is None or table.number > known.number):
                self._begin(table)
        self._load()
        self._tell()

    def _begin(self, table: RouteTable) -> None:
        version = table.variants[0].version
        if "stuck" in version and self._tables.get(table.endpoint):
            self._stuck.add(table.endpoint)
        elif "refused" in version:
            self._failures[table.endpoint] = LoadFailure(
                epoch=table.epoch, generation=table.generation, version=version, reason="refused by the fake"
            )
        else:
            wait = SLOW_SECONDS if "slow" in version else 0.0
            under_way = self._loading.get(table.endpoint)
            if under_way is None or table.number > under_way[1].number:
                self._loading[table.endpoint] = (time.monotonic() + wait, table)

    def _load(self) -> None:
        done = [table for due, table in self._loading.values() if due <= time.monotonic()]
        for table in done:
            del self._loading[table.endpoint]
            self._tables[table.endpoint] = table
            self._failures.pop(table.endpoint, None)
        if done:
            self._tell()

    def _tell(self) -> None:
        for link in list(self._links):
            with suppress(OSError):
                self._send(link)

    def _send(self, link: socket.socket) -> None:
        report = WorkerReport(
            worker=self._name,
            pid=os.getpid(),
            ready=not self._loading and not self._stuck,
            draining=self._draining.is_set(),
            generations={endpoint: table.number for endpoint, table in self._tables.items()},
            failures=dict(self._failures),
            digests=tuple({variant.digest for table in self._tables.values() for variant in table.variants}),
            connections=len(self._connections),
            requests=self._requests,
        )
        link.sendall(msgspec.json.encode(report) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    settings = read_settings(options.home, os.environ)
    Worker(Home(options.home), options.worker, socket.socket(fileno=options.listen_fd), settings).run()


if __name__ == "__main__":
    main()
