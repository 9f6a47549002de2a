"""A control plane that says what lies in a folder: `python -m headgate.testing.node.control --home H`.

`H/../plane/` holds `tables.json` (NodeTables), `bundles/<digest>.hgb`, and what goes wrong: `refuse` (the reason with
which it exits), `<digest>.delay` (seconds before a bundle), `<digest>.failures` (how many times it answers 500 first).
The last report is written to `report.json`, every bundle request is a line of `requests.log`.
"""

import argparse
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from headgate.home import Home, write_atomically

NODE_KEY = "hg_nodenode_" + "n" * 43
POLL_SECONDS = 0.02


class Plane(ThreadingHTTPServer):
    """The server, and the folder that it speaks of."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.folder = folder
        self.lock = threading.Lock()

    def tables(self) -> bytes:
        return (self.folder / "tables.json").read_bytes()

    def fails(self, digest: str) -> bool:
        """Whether this request for the bundle is one that fails; notes it."""
        with self.lock:
            with (self.folder / "requests.log").open("a") as log:
                log.write(f"{digest}\n")
            left = self.folder / f"{digest}.failures"
            count = int(left.read_text()) if left.exists() else 0
            if count:
                left.write_text(str(count - 1))
            return count > 0


class Request(BaseHTTPRequestHandler):
    """One request of the agent."""

    server: Plane

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.headers["Authorization"] != f"Bearer {NODE_KEY}":
            self._answer(401, b"no key")
        elif parts.path == "/api/v1/node/tables":
            self._answer(200, self._news(parse_qs(parts.query)))
        elif parts.path.startswith("/api/v1/node/bundles/"):
            self._bundle(parts.path.rpartition("/")[2])
        else:
            self._answer(404, b"nothing here")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            write_atomically(self.server.folder / "report.json", body)
        self._answer(200, b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _news(self, query: dict[str, list[str]]) -> bytes:
        until = time.monotonic() + float(query["wait"][0])
        while (content := self.server.tables()) and time.monotonic() < until:
            if json.loads(content)["cursor"] != int(query["cursor"][0]):
                break
            time.sleep(POLL_SECONDS)
        return content

    def _bundle(self, digest: str) -> None:
        folder = self.server.folder
        fails = self.server.fails(digest)
        delay = folder / f"{digest}.delay"
        if delay.exists():
            time.sleep(float(delay.read_text()))
        path = folder / "bundles" / f"{digest}.hgb"
        if fails or not path.exists():
            self._answer(500, b"the store is broken")
        else:
            self._answer(200, path.read_bytes())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    home = Home(parser.parse_args().home)
    folder = home.path.parent / "plane"
    refuse = folder / "refuse"
    if refuse.exists():
        sys.exit(refuse.read_text())
    plane = Plane(folder)
    credentials = {"url": f"http://127.0.0.1:{plane.server_address[1]}", "key": "", "node_key": NODE_KEY}
    write_atomically(home.credentials, json.dumps(credentials).encode())
    write_atomically(home.run / "control.json", json.dumps({"pid": os.getpid()}).encode())
    print(f"listening, pid {os.getpid()}", file=sys.stderr)  # noqa: T201 (its log)
    plane.serve_forever()


if __name__ == "__main__":
    main()
