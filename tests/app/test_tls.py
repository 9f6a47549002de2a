"""The control port over TLS, as a process: who is trusted, what changes in place, what slow greetings cost."""

import contextlib
import json
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.app.test_app import Process, refused, running
from tests.certificates import Authority

from headgate.client.client import Client
from headgate.errors import Unreachable
from headgate.testing.instance import until


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class TlsProcess(Process):
    """Waits for a port that speaks TLS."""

    def ready(self) -> "TlsProcess":
        with contextlib.ExitStack() as stack:
            until(lambda: stack.enter_context(self.client()).status(), "the control plane")
        return self

    def client(self) -> Client:
        return Client(home=self.home.path)


def begin(folder: Path, authority: Authority, **settings: Any) -> TlsProcess:
    # a name that is not the one by which this machine reaches it
    certificate, key = authority.sign("gate.example").write(folder)
    return TlsProcess(folder, tls_cert=certificate, tls_key=key, allowed_hosts="gate.example", **settings).ready()


def test_the_control_port_speaks_tls(tmp_path: Path, authority: Authority) -> None:
    process = begin(tmp_path, authority)
    credentials = json.loads(process.home.credentials.read_bytes())
    assert credentials["url"].startswith("https://127.0.0.1:")
    with process.client() as client:
        status = client.status()
        assert status.control.url == credentials["url"]
        assert status.data.url.startswith("https://")
        assert status.control.certificate_fault == ""
    # elsewhere it is known by its name and its authority
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    with Client(f"{credentials['url']}", credentials["key"], ca=tmp_path / "ca.pem") as client:
        client.status()
    with Client("https://gate.example:1", "k") as stranger, pytest.raises(Unreachable):
        stranger.status()
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx2.get(f"{credentials['url']}/readyz")
    assert process.stop() == 0


def test_its_certificate_is_exchanged_in_place(tmp_path: Path, authority: Authority) -> None:
    process = begin(tmp_path, authority)
    with process.client() as kept:
        kept.status()
        before = shown(process)
        (tmp_path / "cert.pem").write_text("damaged")
        until(lambda: "tls_cert" in kept.status().control.certificate_fault, "the damage to be seen")
        assert shown(process) == before
        authority.sign("gate.example").write(tmp_path)
        until(lambda: shown(process) != before, "the new certificate")
        # on the connection that it had all the time
        assert kept.status().control.certificate_fault == ""
    with process.client() as fresh:
        fresh.status()
    assert process.stop() == 0


def shown(process: Process) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", process.port), timeout=20) as link,
        context.wrap_socket(link) as wrapped,
    ):
        found = wrapped.getpeercert(True)
        assert found
        return found


def test_slow_and_plain_greetings_harm_nobody(tmp_path: Path, authority: Authority) -> None:
    process = begin(tmp_path, authority, header_seconds=1.0)
    begun = time.monotonic()
    slow = [socket.create_connection(("127.0.0.1", process.port), timeout=60) for _ in range(50)]
    for link in slow[:25]:
        link.sendall(b"\x16\x03\x01")
    assert b"HTTP" not in process.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with process.client() as client:
        for _ in range(20):
            client.status()
    for link in slow:
        while link.recv(100):
            continue
        link.close()
    # the loop's own deadline is a minute
    assert time.monotonic() - begun < 50
    assert "Traceback" not in process.log.read_text()
    assert process.stop() == 0


def test_it_does_not_start_without_a_certificate_that_can_be_used(tmp_path: Path) -> None:
    assert "no-cert.pem" in refused(tmp_path, tls_cert=str(tmp_path / "no-cert.pem"))


def test_plain_again_after_tls(tmp_path: Path, authority: Authority) -> None:
    process = begin(tmp_path, authority)
    key = json.loads(process.home.credentials.read_bytes())["key"]
    process.stop()
    with running(tmp_path) as plain:
        credentials = json.loads(plain.home.credentials.read_bytes())
        assert (credentials["url"], credentials["certificate"], credentials["key"]) == (plain.url, "", key)
        assert plain.url.startswith("http://")
        assert not (plain.home.run / "tls.pem").exists()
