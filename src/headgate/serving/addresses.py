"""Every address of the data plane in one table, and what answers all but the predict requests of the fast way."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from headgate.errors import Forbidden, Malformed, MethodNotAllowed, NotFound, Unavailable
from headgate.names import validate_name
from headgate.records import RouteTable
from headgate.serving.access import Access, may_predict
from headgate.serving.openapi import document
from headgate.serving.predict import LiveEndpoint
from headgate.serving.refusals import Refusals
from headgate.serving.request_headers import given_id, shown
from headgate.serving.responses import head_of, reason_of, send_json
from headgate.serving.routes import Routes
from headgate.serving.server import SMALL_BODY, Exchange

_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
PREFIX = "/v1/endpoints/"
NAME = "{endpoint}"


class Address(NamedTuple):
    """A method and a path; what is not public needs a key wherever keys are required."""

    method: str
    path: str  # NAME stands for an endpoint's
    answer: str  # name of the method of Addresses
    public: bool = False


ADDRESSES = (
    Address("GET", "/healthz", "healthz", public=True),
    Address("GET", "/readyz", "readyz", public=True),
    Address("GET", "/metrics", "metrics"),
    Address("GET", "/v1/endpoints", "endpoints"),
    Address("GET", "/v1/endpoints/{endpoint}", "endpoint"),
    Address("GET", "/v1/endpoints/{endpoint}/openapi.json", "openapi"),
    Address("POST", "/v1/endpoints/{endpoint}/predict", "predict"),
)


class Addresses:
    """Answers what is not a plain predict request."""

    def __init__(
        self,
        routes: Routes,
        access: Access,
        exposition: Callable[[Exchange], None],
        draining: Callable[[], bool],
        refusals: Refusals,
    ) -> None:
        self._routes = routes
        self._access = access
        self._exposition = exposition
        self._draining = draining
        self._refusals = refusals  # of requests that reached no endpoint

    def answer(self, exchange: Exchange) -> LiveEndpoint | None:
        """Answer one request, or give the endpoint that is to predict; raises what refuses it."""
        try:
            return self._answer(exchange)
        except Exception as error:
            self._refusals.tell(exchange, reason_of(error))
            raise

    def _answer(self, exchange: Exchange) -> LiveEndpoint | None:
        if "headgate-id" in exchange.headers:
            exchange.id = given_id(exchange.headers["headgate-id"])
        found, name = find(path_of(exchange.target))
        method = "GET" if exchange.method == b"HEAD" else exchange.method.decode("latin-1")
        address = next((address for address in found if address.method == method), None)
        if address is None:
            self._refuse_method(exchange, found)
            return None
        if not address.public:
            self._access.caller(exchange.headers.get("authorization"))
        if address.answer == "predict":
            return self._live(exchange, name)
        getattr(self, f"_{address.answer}")(exchange, name)
        return None

    def body_limit(self, target: bytes) -> int:
        """How many bytes a request to this target may send."""
        try:
            _, name = find(path_of(target))
        except (Malformed, NotFound):
            return SMALL_BODY
        table = self._routes.known.get(name)
        return table.spec.limits.max_body_bytes if table is not None else SMALL_BODY

    def _refuse_method(self, exchange: Exchange, found: list[Address]) -> None:
        allowed = [address.method for address in found]
        allowed += ["HEAD", "OPTIONS"] if "GET" in allowed else ["OPTIONS"]
        text = ", ".join(allowed)
        if exchange.method != b"OPTIONS":
            raise MethodNotAllowed(f"This address takes {text}.", detail=[{"method": method} for method in allowed])
        exchange.answer(head_of(200, "text/plain; charset=utf-8", {"Allow": text}), b"")

    def _healthz(self, exchange: Exchange, _name: str) -> None:
        send_json(exchange, {"status": "ok"})

    def _readyz(self, exchange: Exchange, _name: str) -> None:
        if self._draining():
            raise Unavailable("This worker is draining.", retry_after=1.0)
        if not self._routes.ready:
            waiting = sorted(self._routes.known.keys() - self._routes.live.keys())
            raise Unavailable(f"Not ready: {len(waiting)} endpoints have no usable version yet.", retry_after=1.0)
        send_json(exchange, {"status": "ready"})

    def _metrics(self, exchange: Exchange, _name: str) -> None:
        self._exposition(exchange)

    def _endpoints(self, exchange: Exchange, _name: str) -> None:
        key = self._access.caller(exchange.headers.get("authorization"))
        seen = [table for _, table in sorted(self._routes.known.items()) if may_predict(key, scope_of(table))]
        send_json(exchange, {"items": [self._summary(table) for table in seen], "next": None})

    def _endpoint(self, exchange: Exchange, name: str) -> None:
        table = self._table(exchange, name)
        send_json(exchange, self._summary(table) | {"contract": contract_of(table)})

    def _openapi(self, exchange: Exchange, name: str) -> None:
        live = self._live(exchange, name)
        send_json(exchange, document(live.table, live.variants[0].outputs))

    def _live(self, exchange: Exchange, name: str) -> LiveEndpoint:
        table = self._table(exchange, name)
        live = self._routes.live.get(name)
        if live is None:
            state = "loading it failed" if name in self._routes.failures else "it is being loaded"
            raise Unavailable(f"{table.endpoint} does not answer: {state}.", retry_after=1.0)
        return live

    def _table(self, exchange: Exchange, name: str) -> RouteTable:
        """The table in force, or the newest; what a key may not see is not there for it."""
        live = self._routes.live.get(name)
        table = live.table if live is not None else self._routes.known.get(name)
        key = self._access.caller(exchange.headers.get("authorization"))
        if table is None:
            raise NotFound(f"There is no endpoint {name!r}; GET /v1/endpoints lists them.")
        if not may_predict(key, scope_of(table)):
            raise Forbidden("The key may not predict at this endpoint. Ask for the role predict in its environment.")
        return table

    def _summary(self, table: RouteTable) -> dict[str, Any]:
        live = self._routes.live.get(table.endpoint)
        newest = live.table if live is not None else table
        return {
            "endpoint": newest.endpoint,
            "project": newest.project,
            "environment": newest.environment,
            "ready": live is not None,
            "epoch": newest.epoch,
            "generation": newest.generation,
            "variants": [
                {"model": variant.version, "role": variant.role, "weight": variant.weight}
                for variant in newest.variants
            ],
            "predict": f"{PREFIX}{newest.endpoint}/predict",
            "openapi": f"{PREFIX}{newest.endpoint}/openapi.json",
        }


def scope_of(table: RouteTable) -> str:
    """The "project/environment" that a key must cover."""
    return f"{table.project}/{table.environment}"


def contract_of(table: RouteTable) -> dict[str, Any]:
    """The columns that a client may send."""
    return {
        "version": table.contract_version,
        "inputs": [
            {
                "name": column.name,
                "dtype": column.dtype,
                "shape": list(column.shape),
                "roles": list(column.roles),
                "nullable": column.nullable,
                "categories": None if column.categories is None else list(column.categories),
                "minimum": column.minimum,
                "maximum": column.maximum,
            }
            for column in table.contract.inputs
        ],
        "max_rows": table.spec.limits.max_rows,
        "max_body_bytes": table.spec.limits.max_body_bytes,
    }


def path_of(target: bytes) -> str:
    """The path of a target, decoded once; raises `Malformed` for what is no path."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/"):
        raise Malformed(
            f"Expected a path as the target, got {shown(path)}. Send what stands behind the server's name, "
            f"and reach this server directly: only proxies are asked with whole URLs."
        )
    if wrong := _ESCAPE.search(path):
        place = wrong.start()
        raise Malformed(
            f"Expected two hex digits after each % of the path, got {shown(path[place : place + 3])}. Write % as %25."
        )
    try:
        text = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise Malformed("Expected UTF-8 in the path's escapes, got other bytes. Encode the text as UTF-8.") from None
    if "%2f" in path.decode("latin-1").lower():
        raise Malformed("Expected names without a slash in the path, got one escaped as %2F. No name has one.")
    if not text.isprintable():
        raise Malformed("Expected printable text in the path, got a control character. No name has one.")
    return text


def find(path: str) -> tuple[list[Address], str]:
    """The addresses of a path, one per method, and the endpoint's name in it; raises `NotFound` or `InvalidName`."""
    parts = path.split("/")
    found, name = [], ""
    for address in ADDRESSES:
        wanted = address.path.split("/")
        if len(wanted) == len(parts) and all(left in (right, NAME) for left, right in zip(wanted, parts, strict=True)):
            found.append(address)
            name = parts[wanted.index(NAME)] if NAME in wanted else ""
    if not found:
        raise NotFound("There is nothing at this address; GET /v1/endpoints lists the endpoints.")
    if NAME in found[0].path:
        validate_name(name, "name of an endpoint")
    return found, name


def targets_of(live: Mapping[str, LiveEndpoint]) -> dict[bytes, LiveEndpoint]:
    """The exact target of every predict address → its endpoint."""
    return {f"{PREFIX}{name}/predict".encode(): endpoint for name, endpoint in live.items()}
