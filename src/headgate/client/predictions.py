"""Predictions: one request to the data plane, whose address the control plane or the home tells."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx2
import orjson

from headgate.certificate import trust
from headgate.client.address import Address
from headgate.client.connection import Connection, segment
from headgate.client.document import Document
from headgate.client.tables import predict_body
from headgate.errors import Forbidden, HeadgateError, Malformed, Unreachable, all_errors
from headgate.home import Home
from headgate.settings import reachable


class Predictions:
    """The way to an instance's data plane."""

    def __init__(
        self,
        control: Connection,
        address: Address,
        *,
        environment: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        authorities: str = "",
    ) -> None:
        self._authorities = authorities
        self._control = control
        self._address = address
        self._environment = os.environ if environment is None else environment
        self._transport = transport
        self._data: Connection | None = None

    def ask(
        self,
        endpoint: str,
        data: Any,
        *,
        timeout: float | None = None,
        ids: Sequence[str] | None = None,
        priority: str = "",
    ) -> Document:
        """Predictions for every row of `data`, in order.

        `timeout` is in seconds and binds the server too; `priority` is high, normal or low. Raises `SignatureMismatch`
        with row and column for data that the contract does not allow, `NotFound` for an unknown endpoint.
        """
        answer = self.raw(endpoint, predict_body(data, ids), timeout=timeout, priority=priority)
        return Document(orjson.loads(answer.content))

    def raw(
        self,
        endpoint: str,
        content: bytes,
        content_type: str = "application/json",
        *,
        timeout: float | None = None,
        priority: str = "",
    ) -> httpx2.Response:
        """A body in any format that the data plane takes, and its answer as it comes."""
        headers = {
            "Content-Type": content_type,
            # the same id on a repetition after a broken connection: the record stays one
            "Headgate-Id": secrets.token_hex(12),
        }
        if timeout is not None and not 0 < timeout < 1e6:
            raise Malformed(f"Expected a timeout of more than 0 seconds, got {timeout}.")
        if timeout is not None:
            headers["Headgate-Timeout-Ms"] = str(max(1, round(timeout * 1000)))
        if priority:
            headers["Headgate-Priority"] = priority
        path = f"/v1/endpoints/{segment(endpoint)}/predict"
        # the server's own deadline answers first, with a better error
        patience = None if timeout is None else timeout + 1.0
        return self._connection().send("POST", path, content, headers, timeout=patience)

    def stream(self, endpoint: str, data: Any, *, timeout: float | None = None) -> Iterator[Document]:
        """The parts of the answer as the model makes them, each with all rows: text goes on where it ended.

        Raises as `ask` does; what goes wrong in between is raised after the parts that came before it.
        """
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if timeout is not None:
            headers["Headgate-Timeout-Ms"] = str(max(1, round(timeout * 1000)))
        path, kind = f"/v1/endpoints/{segment(endpoint)}/predict", ""
        for line in self._connection().lines(path, predict_body(data, None), headers):
            field, _, value = line.partition(": ")
            if field == "event":
                kind = value
            elif field == "data" and kind == "part":
                yield Document(orjson.loads(value))
            elif field == "data" and kind == "error":
                told = orjson.loads(value)
                raise all_errors().get(told["code"], HeadgateError)(told["error"], detail=told["detail"])
        if kind != "end":
            raise Unreachable(f"The answer of {endpoint!r} ended before its end: ask again.")

    def close(self) -> None:
        if self._data is not None:
            self._data.close()

    def _connection(self) -> Connection:
        if self._data is None:
            url, key, certificate = self._find()
            self._data = Connection(
                url,
                key,
                timeout=60.0,
                transport=self._transport,
                verify=lambda: trust(certificate, self._environment, self._authorities),
            )
        return self._data

    def _find(self) -> tuple[str, str, str]:
        """Address, key and file of the certificate to trust there."""
        key, certificate = self._address.key, self._address.certificate
        named = self._environment.get("HEADGATE_DATA_URL")
        if named:
            return named.rstrip("/"), key if self._address.key_was_given else "", ""
        try:
            return str(self._control.get("/address")["url"]), key, certificate
        except Unreachable:
            # predictions do not depend on the control plane, so neither does the way to them
            local = local_data_url(self._address.home) if self._address.home else None
            if local is None:
                raise
            return local, key, certificate
        except Forbidden as error:
            raise Forbidden(
                f"This key may not ask {self._address.url} where predictions are answered: {error.message} "
                "Name the data plane in HEADGATE_DATA_URL."
            ) from error


def local_data_url(home: Home) -> str | None:
    """Where the agent of this home listens, from its run file."""
    try:
        agent = json.loads((home.run / "agent.json").read_bytes())
        return f"{agent.get('scheme', 'http')}://{reachable(str(agent['host']))}:{int(agent['port'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return None
