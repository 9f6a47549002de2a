"""What the methods of `GRPCInferenceService` do: each call becomes an exchange, and takes the way of every other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any

import grpc

from headgate.errors import HeadgateError
from headgate.names import validate_name
from headgate.serving.access import Access
from headgate.serving.address_table import Address, Found
from headgate.serving.addresses import Addresses
from headgate.serving.dialects.dialect import PREDICT, Route
from headgate.serving.dialects.oip_grpc import OpenInferenceGrpc
from headgate.serving.dialects.oip_inputs import parsed
from headgate.serving.dialects.oip_messages import SERVICE, STREAM, message
from headgate.serving.predict import LiveEndpoint, Predictions
from headgate.serving.responses import Whole
from headgate.serving.rpc.call import STATUS, Call, headers_of, metadata_of
from headgate.serving.rpc.gathering import Gathering
from headgate.serving.server import Exchange, Handle
from headgate.serving.spans import sampling

_STATUS = {code.value[0]: code for code in grpc.StatusCode}
# name and version stand in the same fields of all that name a model
_named = message("ModelReadyRequest").FromString
_loaded = message("RepositoryModelLoadRequest").FromString
_Streamed = message("ModelStreamInferResponse")
_Answer = message("ModelInferResponse")
AT_ONCE = 16  # requests of one stream that are worked on


class Service:
    """Answers calls. For one event loop."""

    def __init__(
        self, addresses: Addresses, access: Access, new_id: Callable[[], str], trace_ratio: float = 0.0
    ) -> None:
        self._addresses = addresses
        self._access = access
        self._predictions = Predictions(access, new_id, self._elsewhere)
        self._dialect = OpenInferenceGrpc()
        self._loop = asyncio.get_running_loop()
        self._routes = {
            route.does: Address(route.method, route.path, route.does, route.public, self._dialect)
            for route in self._dialect.routes
        }
        handle: Handle = self._predictions.handle
        self._gathering = Gathering(self._loop, sampling(handle, trace_ratio) if trace_ratio else handle)
        self.in_flight = 0

    def methods(self) -> Any:
        """What a server of grpcio is given."""
        found: dict[str, Any] = {
            route.method: grpc.unary_unary_rpc_method_handler(partial(self._answer, route))
            for route in self._dialect.routes
        }
        found[STREAM] = grpc.stream_stream_rpc_method_handler(self._answer_all)
        return grpc.method_handlers_generic_handler(SERVICE, found)

    def forget(self) -> None:
        """The endpoints have changed."""
        self._predictions.targets = {}

    def check_key(self, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Raises `Unauthenticated` where a key is required and there is none."""
        self._access.caller(headers_of(metadata, None).get("authorization"))

    async def _answer(self, route: Route, body: bytes, context: Any) -> bytes:
        self.in_flight += 1
        try:
            call, (head, content) = await self._ask(route.does, body, context)
        finally:
            self.in_flight -= 1
        if head or call.extra:
            await self._say_more(call, head, content, context)
        return content

    async def _say_more(self, call: Call, head: bytes, content: bytes, context: Any) -> None:
        """What a refusal says, and what an answer has to say beside itself."""
        said = metadata_of(head)
        trailing = (*said.items(), *metadata_of(call.extra).items(), ("headgate-id", call.id))
        if STATUS in said:
            await context.abort(_STATUS[int(said[STATUS])], content.decode(), trailing[1:])
        context.set_trailing_metadata(trailing)

    async def _answer_all(self, bodies: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        """A stream: answered in the order of its requests; one that is refused does not end it."""
        asked: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(AT_ONCE)

        async def read() -> None:
            async for body in bodies:
                await asked.put(self._loop.create_task(self._answer_part(body, context)))
            await asked.put(None)

        reading = self._loop.create_task(read())
        task: asyncio.Task[bytes] | None = None
        try:
            while (task := await asked.get()) is not None:
                yield await task
        finally:
            reading.cancel()
            for left in (task, *(asked.get_nowait() for _ in range(asked.qsize()))):
                if left is not None:
                    left.cancel()

    async def _answer_part(self, body: bytes, context: Any) -> bytes:
        _, (head, content) = await self._ask(PREDICT, body, context)
        refused = STATUS in metadata_of(head)
        part = _Streamed(error_message=content.decode()) if refused else _Streamed(infer_response=_Answer())
        if not refused:
            part.infer_response.ParseFromString(content)
        said: bytes = part.SerializeToString()
        return said

    async def _ask(self, does: str, body: bytes, context: Any) -> tuple[Call, Whole]:
        """Have a call answered; when its client leaves it is given up."""
        answered = self._loop.create_future()
        try:
            named = self._names(does, body)
            headers = headers_of(context.invocation_metadata(), context.time_remaining())
        except HeadgateError as error:
            refused = Call(does, ("", ""), {}, b"", answered)
            return refused, self._dialect.error(error, "")
        call = Call(does, named, headers, body, answered)
        self._gathering.add(call)
        try:
            return call, await answered
        except asyncio.CancelledError:
            call.leave()
            raise

    def _names(self, does: str, body: bytes) -> tuple[str, str]:
        """The endpoint and the version that a message names; raises `Malformed`."""
        if does in ("live", "ready", "server", "index"):
            return "", ""
        if does in ("load", "unload"):
            return parsed(_loaded, body).model_name, ""
        found = parsed(_named, body)
        return found.name, found.version

    def _elsewhere(self, exchange: Exchange) -> LiveEndpoint | None:
        assert isinstance(exchange, Call)
        exchange.shape = self._dialect.error
        live = self._addresses.counted(exchange, self._take)
        if live is not None and exchange.target:
            self._predictions.remember(exchange.target, live)
        return live

    def _take(self, exchange: Exchange) -> LiveEndpoint | None:
        assert isinstance(exchange, Call)
        if exchange.name:
            validate_name(exchange.name, "name of a model")
        return self._addresses.take(exchange, Found(self._routes[exchange.does], exchange.name, exchange.version))
