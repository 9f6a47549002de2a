"""The control plane as a process of its own: how it starts, refuses to start, answers and leaves."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headgate.bundle.bundle import open_bundle
from headgate.home import Home
from headgate.testing.bundles import build_bundle
from headgate.web.api.door import BUNDLE_TYPE

READY_SECONDS = 60.0
BUNDLE = {"Content-Type": BUNDLE_TYPE}


class Process:
    """`python -m headgate.app` on a free port."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.home = Home(folder / "home")
        self.log = folder / "log"
        chosen = json.dumps({"control_port": 0, **settings})
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
        environment = {**kept, "HEADGATE_SETTINGS": chosen, "HEADGATE_SIGNING_KEY": str(folder / "signing.key")}
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "headgate.app", "--home", str(self.home.path)],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def ready(self) -> "Process":
        """Until it answers."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError, KeyError, httpx2.HTTPError):
                about = json.loads((self.home.run / "control.json").read_bytes())
                if about["pid"] == self.popen.pid and httpx2.get(f"{about['url']}/readyz").status_code == 200:
                    return self
            assert self.popen.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    @property
    def url(self) -> str:
        return str(json.loads((self.home.run / "control.json").read_bytes())["url"])

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ask(self, path: str, key: str = "key", **options: Any) -> httpx2.Response:
        credentials = json.loads(self.home.credentials.read_bytes())
        headers = {"Authorization": f"Bearer {credentials[key]}", **options.pop("headers", {})}
        return httpx2.request(options.pop("method", "GET"), f"{self.url}/api/v1{path}", headers=headers, **options)

    def raw(self, request: bytes) -> bytes:
        """The head of the answer to bytes as they are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as link:
            link.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer and (chunk := link.recv(65_536)):
                answer += chunk
            return answer

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.popen.wait(30)


@contextlib.contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Process]:
    process = Process(folder, **settings)
    try:
        yield process.ready()
    finally:
        process.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with running(tmp_path_factory.mktemp("app")) as started:
        yield started


def refused(folder: Path, **settings: Any) -> str:
    """What is said by one that does not start."""
    process = Process(folder, **settings)
    assert process.popen.wait(READY_SECONDS) == 1, process.log.read_text()
    said = process.log.read_text().splitlines()
    assert "Traceback" not in process.log.read_text()
    return said[-1]


def test_what_it_leaves_on_disk_is_the_owners_alone(process: Process) -> None:
    credentials = json.loads(process.home.credentials.read_bytes())
    assert {"url", "key", "node_key"} <= set(credentials)
    assert credentials["url"] == process.url
    for path in (process.home.path, *process.home.path.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_it_answers_with_its_own_keys(process: Process) -> None:
    status = process.ask("/status").json()
    assert status["control"] == {"pid": process.popen.pid, "url": process.url, "certificate_fault": ""}
    assert process.ask("/node/tables", "node_key").json()["routes"] == []
    assert process.ask("/status", "node_key").status_code == 403


@pytest.mark.parametrize(
    "head",
    [
        "GET {path} HTTP/1.1\r\n\r\n",
        "GET {path} HTTP/1.1\r\nHost: evil\r\n\r\n",
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\n\r\n",
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}.evil\r\n\r\n",
        "GET {path} HTTP/1.1\r\nHost: a/b?c\r\n\r\n",
        "GET http://evil{path} HTTP/1.1\r\nHost: evil\r\n\r\n",
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://evil\r\n\r\n",
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "OPTIONS {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\r\n",
        "PROPFIND {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "GET /api/v1/models/..%2f..%2fetc HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "GET /api/v1/models/../../healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "GET /%68ealthz/..;/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "\x16\x03\x01\x02\x00",
    ],
)
def test_raw_requests_are_refused_before_anything_looks_at_them(process: Process, head: str) -> None:
    answer = process.raw(head.format(path="/healthz", port=process.port).encode("latin-1"))
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 404", b"HTTP/1.1 405")), answer
    assert b"Traceback" not in answer


def test_a_host_of_ours_is_let_in(process: Process) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        answer = process.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}:{process.port}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert b"\r\nserver:" not in answer.lower()


def test_what_turns_out_damaged_while_it_is_sent_breaks_the_connection(tmp_path: Path) -> None:
    content = open_bundle(build_bundle(tmp_path / "bundles").folder).pack(tmp_path / "bundle.hgb").read_bytes()
    with running(tmp_path) as process:
        version = process.ask("/versions", method="POST", content=content, headers=BUNDLE).json()
        stored = next((process.home.artifacts / "objects").glob("*/*"))
        stored.write_bytes(content[:-2000] + bytes([content[-2000] ^ 1]) + content[-1999:])
        for path, key, method in (
            (f"/node/bundles/{version['digest']}", "node_key", "GET"),
            ("/backup", "key", "POST"),
        ):
            with pytest.raises(httpx2.RemoteProtocolError):
                process.ask(path, key, method=method)
        assert process.ask("/status").status_code == 200
        said = process.log.read_text()
    assert said.count(f"was broken off: CORRUPT: The artifact {stored.name} was changed") == 2
    assert "Traceback" not in said


def test_a_second_one_on_the_same_home_is_refused(process: Process, tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to(process.home.path)
    assert "Another control plane runs on" in refused(tmp_path)
    assert process.ask("/status").status_code == 200


def test_a_port_that_is_taken_is_refused_with_a_hint(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "--control-port" in refused(tmp_path, control_port=taken.getsockname()[1])


def test_a_damaged_database_ends_it_with_one_clear_line(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    home.database.write_bytes(b"SQLite format 3\0" + b"\xff" * 8_000)
    assert "headgate restore" in refused(tmp_path)


def test_settings_that_are_wrong_end_it_with_one_clear_line(tmp_path: Path) -> None:
    assert "HEADGATE_SETTINGS" in refused(tmp_path, no_such_setting=1)


def test_a_folder_that_cannot_keep_artifacts_ends_it_with_one_clear_line(tmp_path: Path) -> None:
    assert "artifacts in the folder /proc/nope, could not: No such file" in refused(tmp_path, artifacts="/proc/nope")


def test_it_does_not_listen_beyond_this_machine_unguarded(tmp_path: Path) -> None:
    assert "--require-keys and TLS" in refused(tmp_path, host="0.0.0.0")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_when_asked_and_lets_who_waits_go(tmp_path: Path, number: int) -> None:
    with running(tmp_path) as process:
        cursor = process.ask("/node/tables", "node_key").json()["cursor"]
        heard: list[int] = []

        def wait() -> None:
            answer = process.ask(f"/node/tables?cursor={cursor}&wait=30", "node_key", timeout=40)
            heard.append(answer.status_code)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.3)
        assert process.stop(number) == 0
        thread.join(20)
        assert heard == [200]
        assert not (process.home.run / "control.json").exists()
        assert "Traceback" not in process.log.read_text()


def test_what_was_acknowledged_outlives_being_killed(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        key = json.loads(process.home.credentials.read_bytes())["key"]
        assert process.ask("/projects", method="POST", json={"name": "risk"}).status_code == 201
        process.stop(signal.SIGKILL)
    with running(tmp_path) as process:
        assert json.loads(process.home.credentials.read_bytes())["key"] == key
        assert "risk" in {each["name"] for each in process.ask("/projects").json()["items"]}
        assert process.ask("/audit/verify").json()["ok"]
