"""What answers all requests but the predict requests of the fast way: by the table of addresses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from headgate.errors import Forbidden, Malformed, MethodNotAllowed, NotFound, Unavailable
from headgate.metering.series_file import Totals
from headgate.records import RouteTable
from headgate.serving.access import Access, may_predict
from headgate.serving.address_table import PREFIX, AddressTable, Found, check_name, meant, path_of
from headgate.serving.dialects.dialect import PREDICT, STREAM, Dialect, Directing, Question, Shown
from headgate.serving.exposition import Exposition
from headgate.serving.openapi import document
from headgate.serving.predict import LiveEndpoint
from headgate.serving.refusals import Refusals
from headgate.serving.request_headers import given_id
from headgate.serving.responses import Whole, head_of, reason_of, send_json
from headgate.serving.routes import Routes
from headgate.serving.server import SMALL_BODY, Exchange
from headgate.settings import Settings

_UNHEARD = "this node has not had its first tables from the control plane."


class Addresses:
    """Answers what is not a plain predict request."""

    def __init__(
        self,
        table: AddressTable,
        routes: Routes,
        access: Access,
        exposition: Exposition,
        draining: Callable[[], bool],
        refusals: Refusals,
        settings: Settings,
    ) -> None:
        self._table = table
        self._routes = routes
        self._access = access
        self._exposition = exposition
        self._draining = draining
        self._refusals = refusals  # of requests that reached no endpoint
        self._default_endpoint = settings.default_endpoint
        self.server_name = settings.server_name
        # takes note of an address that predicts, so that it is found at once when it comes again
        self.remember: Callable[[bytes, LiveEndpoint], None] = lambda target, live: None

    def answer(self, exchange: Exchange) -> LiveEndpoint | None:
        """Answer one request, or give the endpoint that is to predict; raises what refuses it."""
        return self.counted(exchange, self._answer)

    def counted(self, exchange: Exchange, answer: Callable[[Exchange], LiveEndpoint | None]) -> LiveEndpoint | None:
        """What `answer` gives; what it raises is counted as a refusal."""
        try:
            return answer(exchange)
        except Exception as error:
            self._refusals.tell(exchange, reason_of(error))
            raise

    def _answer(self, exchange: Exchange) -> LiveEndpoint | None:
        if "headgate-id" in exchange.headers:
            exchange.id = given_id(exchange.headers["headgate-id"])
        path = path_of(exchange.target)
        exchange.shape = self._table.shape_of(path)
        found = self._table.find(path)
        method = "GET" if exchange.method == b"HEAD" else exchange.method.decode("latin-1")
        target = self._meant([one for one in found if one.address.method == method] or found)
        address = target.address
        if address.dialect is not None:
            exchange.shape = address.dialect.error
        if address.method != method:
            self._refuse_method(exchange, found)
            return None
        check_name(target)
        self._check_heard(target)
        live = self.take(exchange, target)
        if live is not None and is_remembered(target):
            self.remember(exchange.target, live)
        return live

    def take(self, exchange: Exchange, target: Found) -> LiveEndpoint | None:
        """Do what stands at an address, or give the endpoint that is to predict; raises what refuses it."""
        address = target.address
        if not address.public:
            self._access.caller(exchange.headers.get("authorization"), exchange)
        if address.answer in (PREDICT, STREAM):
            return self._asked(exchange, target)
        if address.dialect is not None:
            exchange.answer(*self._told(exchange, target, address.dialect))
        else:
            getattr(self, f"_{address.answer}")(exchange, target.endpoint)
        return None

    def body_limit(self, target: bytes) -> int:
        """How many bytes a request to this target may send."""
        try:
            found = self._table.find(path_of(target))
        except (Malformed, NotFound):
            return SMALL_BODY
        predicts = next((one for one in found if one.address.answer in (PREDICT, STREAM)), None)
        table = self._routes.known.get(predicts.endpoint or self._default()) if predicts is not None else None
        return table.spec.limits.max_body_bytes if table is not None else SMALL_BODY

    def _check_heard(self, found: Found) -> None:
        """Before its first tables a node knows neither what there is nor who may ask."""
        asks = found.endpoint or not found.address.public
        if self._routes.awaited and asks and (found.endpoint or self._default()) not in self._routes.known:
            raise Unavailable(f"Nothing is answered yet: {_UNHEARD} Try again.", retry_after=1.0)

    def _meant(self, found: Sequence[Found]) -> Found:
        """Of several dialects that are spoken at one address the one that the endpoint's owner chose, or the first."""
        table = self._routes.known.get(found[0].endpoint or self._default())
        return meant(found, table.spec.dialect if table is not None else "")

    def _default(self) -> str:
        """The endpoint that a path without a name means: the one that was chosen, or the only one."""
        if self._default_endpoint:
            return self._default_endpoint
        return next(iter(self._routes.known)) if len(self._routes.known) == 1 else ""

    def _asked(self, exchange: Exchange, found: Found) -> LiveEndpoint:
        """The endpoint that is to predict, as the dialect of the address speaks of it."""
        live = self._live(exchange, found.endpoint or self._needed_default())
        dialect = found.address.dialect
        if dialect is None:
            return live
        version = directed(exchange, dialect, live.table.endpoint) or found.version
        spoken = live.spoken(dialect, version, found.address.answer)
        if version:
            self._check_choice(spoken)
        return spoken

    def _check_choice(self, spoken: LiveEndpoint) -> None:
        """May the caller choose what answers?"""
        named = spoken.router.only
        if named is not None and named.record.role != "stable" and self._access.required:
            raise Forbidden("Choosing the variant needs a permission that keys for predictions do not carry.")

    def _needed_default(self) -> str:
        name = self._default()
        if not name:
            raise NotFound(
                "The path names no endpoint, and there is no default one: set default_endpoint, or name it in the path."
            )
        return name

    def _told(self, exchange: Exchange, found: Found, dialect: Dialect) -> Whole:
        """What a dialect says to what is no prediction."""
        name = found.endpoint or self._default()
        shown = None
        if found.endpoint:
            shown = self._shown(self._table_of(exchange, name))
        elif name and not found.address.public:
            # whoever may not ask the default endpoint may still ask what does not concern it
            shown = next((one for one in self.shown_to(exchange) if one.name == name), None)
        query = dict(parse_qsl(exchange.target.partition(b"?")[2].decode("latin-1")))
        question = Question(found.address.answer, shown, found.version, exchange.headers, exchange.body, query)
        return dialect.tell(question, Told(self, exchange))

    @property
    def guarded(self) -> bool:
        """Do predictions need a key?"""
        return self._access.required

    def totals(self) -> Totals:
        """What all workers have counted."""
        return self._exposition.totals()

    def shown_to(self, exchange: Exchange) -> list[Shown]:
        """The endpoints that the caller may ask."""
        key = self._access.caller(exchange.headers.get("authorization"), exchange)
        seen = [table for _, table in sorted(self._routes.known.items()) if may_predict(key, scope_of(table))]
        return [self._shown(table) for table in seen]

    def _shown(self, table: RouteTable) -> Shown:
        live = self._routes.live.get(table.endpoint)
        if live is None:
            return Shown(table, (), ready=False)
        return Shown(live.table, live.variants[0].outputs, ready=not self._draining())

    def _refuse_method(self, exchange: Exchange, found: Sequence[Found]) -> None:
        allowed = list(dict.fromkeys(one.address.method for one in found))
        allowed += ["HEAD", "OPTIONS"] if "GET" in allowed else ["OPTIONS"]
        text = ", ".join(allowed)
        if exchange.method != b"OPTIONS":
            raise MethodNotAllowed(f"This address takes {text}.", detail=[{"method": method} for method in allowed])
        exchange.answer(head_of(200, "text/plain; charset=utf-8", {"Allow": text}), b"")

    def _healthz(self, exchange: Exchange, _name: str) -> None:
        send_json(exchange, {"status": "ok"})

    @property
    def ready(self) -> bool:
        """Does every endpoint answer?"""
        return self._routes.ready and not self._draining()

    def _readyz(self, exchange: Exchange, _name: str) -> None:
        if self._draining():
            raise Unavailable("This worker is draining.", retry_after=1.0)
        if self._routes.awaited:
            raise Unavailable(f"Not ready: {_UNHEARD}", retry_after=1.0)
        if not self._routes.ready:
            waiting = sorted(self._routes.known.keys() - self._routes.live.keys())
            raise Unavailable(f"Not ready: {len(waiting)} endpoints have no usable version yet.", retry_after=1.0)
        send_json(exchange, {"status": "ready"})

    def _metrics(self, exchange: Exchange, _name: str) -> None:
        self._exposition.answer(exchange)

    def _endpoints(self, exchange: Exchange, _name: str) -> None:
        key = self._access.caller(exchange.headers.get("authorization"), exchange)
        seen = [table for _, table in sorted(self._routes.known.items()) if may_predict(key, scope_of(table))]
        send_json(exchange, {"items": [self._summary(table) for table in seen], "next": None})

    def _endpoint(self, exchange: Exchange, name: str) -> None:
        table = self._table_of(exchange, name)
        spoken = self._table.spoken(table.endpoint, table.spec.dialect, is_default=table.endpoint == self._default())
        send_json(exchange, self._summary(table) | {"dialects": spoken, "contract": contract_of(table)})

    def _openapi(self, exchange: Exchange, name: str) -> None:
        live = self._live(exchange, name)
        send_json(exchange, document(live.table, live.variants[0].outputs))

    def _live(self, exchange: Exchange, name: str) -> LiveEndpoint:
        table = self._table_of(exchange, name)
        live = self._routes.live.get(name)
        if live is None:
            state = "loading it failed" if name in self._routes.failures else "it is being loaded"
            raise Unavailable(f"{table.endpoint} does not answer: {state}.", retry_after=1.0)
        return live

    def _table_of(self, exchange: Exchange, name: str) -> RouteTable:
        """The table in force, or the newest; what a key may not see is not there for it."""
        live = self._routes.live.get(name)
        table = live.table if live is not None else self._routes.known.get(name)
        key = self._access.caller(exchange.headers.get("authorization"), exchange)
        if table is None:
            raise NotFound(f"There is no endpoint {name!r}; GET /v1/endpoints lists them.", detail=[{"endpoint": name}])
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


class Told:
    """What a dialect may tell one caller of the whole."""

    def __init__(self, addresses: Addresses, exchange: Exchange) -> None:
        self._addresses = addresses
        self._exchange = exchange

    @property
    def name(self) -> str:
        """What this server calls itself."""
        return self._addresses.server_name

    @property
    def ready(self) -> bool:
        """Does every endpoint answer?"""
        return self._addresses.ready

    @property
    def guarded(self) -> bool:
        """Do predictions need a key?"""
        return self._addresses.guarded

    def totals(self) -> Totals:
        """What all workers have counted."""
        return self._addresses.totals()

    def endpoints(self) -> Sequence[Shown]:
        """Those that the caller may ask."""
        return self._addresses.shown_to(self._exchange)


def is_remembered(target: Found) -> bool:
    """Does everybody who asks at this address mean the same?"""
    dialect = target.address.dialect
    return dialect is not None and not target.version and not isinstance(dialect, Directing)


def directed(exchange: Exchange, dialect: Dialect, endpoint: str) -> str:
    """Do what the headers of a dialect ask for; the version that they name."""
    if not isinstance(dialect, Directing):
        return ""
    directions = dialect.direct(endpoint, exchange.headers)
    exchange.id = directions.id or exchange.id
    exchange.extra += directions.head
    return directions.version


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


def targets_of(live: Mapping[str, LiveEndpoint]) -> dict[bytes, LiveEndpoint]:
    """The exact target of every predict address → its endpoint."""
    return {f"{PREFIX}{name}/predict".encode(): endpoint for name, endpoint in live.items()}
