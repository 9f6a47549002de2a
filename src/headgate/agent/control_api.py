"""The few requests that a node makes to its control plane, over plain `http.client`: small, and nothing to import."""

import http.client
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import urlsplit

import msgspec

from headgate.certificate import trust
from headgate.errors import Corrupt, HeadgateError, Unavailable, Unreachable
from headgate.home import Home
from headgate.records import NodeReport, NodeTables

PREFIX = "/api/v1/node"
SECONDS = 10.0
HEALTH_SECONDS = 10.0
BUNDLE_SECONDS = 60.0  # between two parts of a bundle
CHUNK = 1 << 20
ANSWER_BYTES = 256 * 1024 * 1024
_tables = msgspec.json.Decoder(NodeTables)


class ControlApi:
    """Address and key are read from the home's `credentials` every time: the control plane may write them later."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def tables(self, cursor: int, wait_seconds: int) -> NodeTables:
        """All tables: at once when newer than the cursor, else after a wait. Raises `Unreachable`, `Corrupt`."""
        path = f"{PREFIX}/tables?cursor={cursor}&wait={wait_seconds}"
        with self._ask("GET", path, seconds=wait_seconds + SECONDS) as answer:
            content = answer.read(ANSWER_BYTES)
        try:
            return _tables.decode(content)
        except ValueError as error:
            raise Corrupt(f"Expected the node's tables from the control plane, got: {error}.") from error

    def bundle(self, digest: str, target: BinaryIO) -> None:
        """Write the bundle's `.hgb` to the file. Raises `Unreachable`, `Unavailable` (the disk)."""
        with self._ask("GET", f"{PREFIX}/bundles/{digest}", seconds=BUNDLE_SECONDS) as answer:
            while chunk := answer.read(CHUNK):
                try:
                    target.write(chunk)
                except OSError as error:
                    raise Unavailable(f"Expected room for bundle {digest[:12]}, got: {error}.") from error

    def report(self, report: NodeReport) -> None:
        """Hand the node's heartbeat in. Raises `Unreachable`."""
        with self._ask("POST", f"{PREFIX}/report", msgspec.json.encode(report)) as answer:
            answer.read(ANSWER_BYTES)

    def is_silent(self) -> bool:
        """Whether nobody answers where it should be. All else, a refusal or a certificate among it, says that it lives.

        For one whose `credentials` are there; without them nobody is known to be silent.
        """
        try:
            with self._ask("GET", "/healthz", seconds=HEALTH_SECONDS):
                return False
        except HeadgateError as error:
            return isinstance(error.__cause__, TimeoutError | ConnectionRefusedError)

    @contextmanager
    def _ask(
        self, method: str, path: str, body: bytes | None = None, seconds: float = SECONDS
    ) -> Iterator[http.client.HTTPResponse]:
        url, key, certificate = self._credentials()
        connection = _connection(url, certificate, seconds)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Connection": "close"}
        try:
            connection.request(method, urlsplit(url).path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            if answer.status >= 300:
                reason = answer.read(2000).decode(errors="replace")
                raise Unreachable(f"Expected {method} {path} to succeed at {url}, got {answer.status}: {reason}")
            yield answer
        except (OSError, ValueError, http.client.HTTPException) as error:
            # ValueError: an address that is none, a status line that is none
            raise Unreachable(f"Expected the control plane at {url}, got: {error or type(error).__name__}.") from error
        finally:
            connection.close()

    def _credentials(self) -> tuple[str, str, str]:
        try:
            content = json.loads(self._home.credentials.read_bytes())
            return str(content["url"]), str(content["node_key"]), str(content.get("certificate", ""))
        except FileNotFoundError as error:
            raise Unreachable(f"Expected credentials in {self._home.credentials}; no control plane has run.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"Expected url and node_key in {self._home.credentials}, got: {error!r}.") from error


def _connection(url: str, certificate: str, seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if not parts.hostname:
        raise Unreachable(f"Expected the control plane's address in the credentials, got {url!r}.")
    if parts.scheme == "https":
        context = trust(certificate, os.environ)
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
