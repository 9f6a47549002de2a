"""Whatever becomes of requests, everything that was taken for them is given back: any mix of them, in one worker.

Everything but the sockets and the models is real.
"""

import asyncio
import gzip
import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.crashes import CallMarks
from headgate.errors import DeadlineExceeded, HeadgateError, ModelError, NotFound, Unavailable
from headgate.records import AccessKey, AccessTable, Column, EndpointSpec, Limits, RouteTable, Signature, Variant
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import LoadedModel, Outputs
from headgate.serving.access import Access
from headgate.serving.admission import Gate, Gates
from headgate.serving.endpoints import Composer
from headgate.serving.loading import Loaded
from headgate.serving.metrics import Metrics, VariantMetrics
from headgate.serving.node_counts import NodeCounts
from headgate.serving.predict import LiveEndpoint, Predictions, Reply
from headgate.serving.responses import refuse
from headgate.serving.routes import Held, Models
from headgate.serving.server import Connection, Exchange, Server
from headgate.serving.waiting_time import Cost
from headgate.settings import Settings
from headgate.spool.segment import SpoolWriter

TARGET = b"/v1/endpoints/e/predict"
SECRET = b"hg_secret"
FAILS, GONE = 9.0, 7.0  # sums of rows for which the model fails, and for which its host is gone
MANIFEST = Manifest(
    name="m",
    framework="fake",
    task="regression",
    signature=Signature(
        inputs=tuple(Column(name=name, dtype="float64", minimum=0.0, maximum=4.0) for name in "ab"),
        outputs=(Column(name="predictions", dtype="float64"),),
    ),
    forms={"native": Form(runtime="fake", path="model.json")},
    serves="native",
    environment=Environment(python="3.11"),
    files={},
)


def answer(batch: Batch) -> Outputs:
    sums = np.sum([*batch.columns.values()], axis=0)
    if (sums == FAILS).any():
        raise ModelError("It failed.")
    if (sums == GONE).any():
        raise Unavailable("Its host is gone.")
    return {"predictions": sums}


class Inline:
    """A model inside the worker, which answers while the door is open."""

    device = "cpu"

    def __init__(self, door: threading.Event | None) -> None:
        self._door = door

    def predict(self, batch: Batch) -> Outputs:
        if self._door is not None:
            self._door.wait()
        return answer(batch)

    def close(self) -> None: ...


class Hosted:
    """A model in hosts, which answers while the door is open."""

    def __init__(self, door: threading.Event) -> None:
        self._door = door

    async def predict(self, batch: Batch, deadline: float, *_traces: object, **_count: object) -> Outputs:
        while not self._door.is_set():
            await asyncio.sleep(0.001)
            if time.monotonic() > deadline:
                raise DeadlineExceeded("The model did not answer before the deadline.")
        return answer(batch)

    def close(self) -> None: ...


class Wire:
    """A transport whose client takes everything; an end of the connection is told a moment later, as in the loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.answers: list[bytes] = []
        self.closing = False
        connection.connection_made(self)

    def write(self, data: bytes) -> None:
        if not self.closing:
            self.answers.append(data)

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Client(NamedTuple):
    connection: Connection
    wire: Wire
    asked: list[bytes]
    left: list[bool]  # not empty once it has
    done: list[bool]  # not empty once it has asked its last


def turn_away(exchange: Exchange, error: HeadgateError) -> None:
    exchange.id = "none"
    refuse(exchange, error)


class Node(NamedTuple):
    """What all examples share."""

    counts: NodeCounts
    metrics: Metrics
    writer: SpoolWriter
    marks: CallMarks


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    metrics = Metrics(folder / "metrics", "w0")
    marks = CallMarks(folder / "w0.calls")
    yield Node(NodeCounts(folder / "limits"), metrics, SpoolWriter(folder / "spool", "w0", 1 << 24), marks)
    metrics.close()


class Setting(NamedTuple):
    """How the endpoint is."""

    kind: str  # of its stable version
    fallback: bool
    cache: int
    policy: str
    concurrency: int
    queue: int
    key: int  # concurrency of the key


class Worker:
    """One worker with one endpoint."""

    def __init__(self, node: Node, setting: Setting) -> None:
        self._setting = setting
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self.door = threading.Event()
        self.door.set()
        self.gates = Gates(node.counts)
        self._composer = Composer(self._loop, node.metrics, node.writer, self.gates, node.marks)
        access = Access(True, gates=self.gates.of_key)
        sha256 = hashlib.sha256(SECRET).hexdigest()
        key = AccessKey(id="k", actor="a", sha256=sha256, predict=("*",), concurrency=setting.key)
        access.apply(AccessTable(epoch=1, number=1, required=True, keys=(key,)))
        self.predictions = Predictions(access, lambda: f"id{next(self._numbers)}", self._elsewhere)
        self.server = Server(
            Settings(), ["localhost"], turn_away, self.predictions.handle, lambda target: 1 << 20, lambda: None
        )
        self.lives: list[LiveEndpoint] = []
        self.clients: list[Client] = []
        self.swap()

    def _elsewhere(self, exchange: Exchange) -> LiveEndpoint | None:
        raise NotFound("Nothing is there.")

    def swap(self) -> None:
        """A newer table."""
        setting, generation = self._setting, len(self.lives) + 1
        variants = [Variant(version="m:1", digest="1" * 64, form="native", placement="inline")]
        if setting.fallback:
            fallback = Variant(
                version="m:2", digest="2" * 64, form="native", placement="inline", role="fallback", weight=0
            )
            variants.append(fallback)
        # a limit that changes makes another gate over the same count
        limits = Limits(concurrency=setting.concurrency + generation % 2, queue=setting.queue)
        spec = EndpointSpec(
            limits=limits, cache_entries=setting.cache, out_of_range=cast("Any", setting.policy), fallback="m:2"
        )
        table = RouteTable(
            endpoint="e", epoch=1, generation=generation, contract=MANIFEST.signature, variants=tuple(variants),
            spec=spec, task="regression",
        )  # fmt: skip
        models = {variant: self._held(variant, setting.kind) for variant in variants}
        self.lives.append(self._composer.compose(table, cast("Models", models)))
        self.predictions.targets = {TARGET: self.lives[-1]}

    def _held(self, variant: Variant, kind: str) -> Held:
        if variant.role == "fallback":
            kind = "short"
        if kind == "hosted":
            return Held(MANIFEST, cast("Any", Hosted(self.door)))
        door, cost = (None, 0.0) if kind == "short" else (self.door, 1.0)
        return Held(MANIFEST, Loaded(MANIFEST, cast("LoadedModel", Inline(door)), Cost(cost * 1e-3, 0.0)))

    def client(self, number: int) -> Client:
        """The client of that number, connected anew when it was not any more."""
        while len(self.clients) <= number:
            self.clients.append(self._connected())
        if self.clients[number].wire.closing or self.clients[number].left or self.clients[number].done:
            self.clients.append(self.clients[number])  # what it was told is looked at in the end
            self.clients[number] = self._connected()
        return self.clients[number]

    def _connected(self) -> Client:
        connection = self.server.connection()
        return Client(connection, Wire(connection), [], [], [])

    @property
    def busy(self) -> bool:
        """Is anything still under way?"""
        calls = [variant.calls for live in self.lives for variant in live.variants]
        return any(each.busy for each in calls) or any(live.bodies.busy for live in self.lives)

    async def end(self) -> None:
        """All that can be answered is."""
        self.door.set()
        until = time.monotonic() + 20.0
        while (self.busy or self.server.in_flight) and time.monotonic() < until:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        assert not self.busy
        for pool in (*self._composer._body_threads, self._composer._threads):
            cast("Any", pool).shutdown()


def request(body: bytes, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"POST {TARGET.decode()} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def ask(worker: Worker, number: int, total: float, form: str, more: dict[str, str]) -> None:
    body, headers = b'{"instances": [[2, %g]]}' % (total - 2), {"Authorization": f"Bearer {SECRET.decode()}"}
    headers["Content_Type"] = "text/csv" if form == "csv" else "application/json"
    if form == "csv":
        body = b"a,b\n2,%g\n" % (total - 2)
    if form == "damaged":
        body = body[:-2]
    if form == "gzip":
        body, headers["Content_Encoding"] = gzip.compress(body), "gzip"
    if form == "encoded":
        headers["Content_Encoding"] = "unheard-of"
    client = worker.client(number)
    client.asked.append(body)
    if "Connection" in more:
        client.done.append(True)
    client.connection.data_received(request(body, **headers, **more))


def go(worker: Worker, number: int) -> None:
    client = worker.client(number)
    client.left.append(True)
    client.wire.close()


def half_close(worker: Worker, number: int) -> None:
    client = worker.client(number)
    client.left.append(True)
    if not client.connection.eof_received():
        client.wire.close()


NUMBERS = st.integers(0, 2)
HEADERS: list[dict[str, str]] = [
    {},
    {},
    {"Headgate-Timeout-Ms": "4"},
    {"Headgate-Timeout-Ms": "0"},
    {"Accept": "text/csv"},
    {"Connection": "close"},
    {"Headgate-Variant": "stable"},
    {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
]
FORMS = ("plain", "plain", "csv", "gzip", "damaged", "encoded")
Step = tuple[Any, ...]
STEPS = st.one_of(
    st.tuples(
        st.just("ask"),
        NUMBERS,
        st.sampled_from([3.0, 4.0, 30.0, FAILS, GONE]),
        st.sampled_from(FORMS),
        st.sampled_from(HEADERS),
    ),
    st.tuples(st.sampled_from(["go", "half_close"]), NUMBERS),
    st.tuples(st.sampled_from(["close the door", "open the door", "swap"])),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.006])),
)


async def take(worker: Worker, step: Step) -> None:
    name, *values = step
    if name == "wait":
        await asyncio.sleep(*values)
        return
    steps: dict[str, Callable[..., None]] = {
        "ask": partial(ask, worker),
        "go": partial(go, worker),
        "half_close": partial(half_close, worker),
        "close the door": worker.door.clear,
        "open the door": worker.door.set,
        "swap": worker.swap,
    }
    steps[name](*values)


SETTINGS = st.builds(
    Setting,
    kind=st.sampled_from(["short", "long", "hosted"]),
    fallback=st.booleans(),
    cache=st.sampled_from([0, 10]),
    policy=st.sampled_from(["accept", "warn", "refuse"]),
    concurrency=st.sampled_from([2, 100]),
    queue=st.sampled_from([1, 100]),
    key=st.sampled_from([0, 3, 100]),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(
    setting=Setting("short", False, 0, "refuse", 2, 1, 0), steps=[("ask", 1, 30.0, "gzip", {}), ("go", 1)]
)  # what is wrong with a body whose client has left is nobody's to hear
@given(setting=SETTINGS, steps=st.lists(STEPS, min_size=3, max_size=25))
def test_all_that_was_taken_is_given_back(node: Node, setting: Setting, steps: list[Step]) -> None:
    async def live() -> None:
        troubles: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: troubles.append(context))
        worker = Worker(node, setting)
        entered: set[Gate] = set(worker.gates._gates.values())
        for step in steps:
            await take(worker, step)
            entered |= set(worker.gates._gates.values())
        await worker.end()
        assert not troubles
        assert {gate._name: gate.in_use for gate in entered if gate.in_use} == {}
        assert worker.server.in_flight == 0
        for client in worker.clients:
            if not client.left:
                assert len(client.wire.answers) == len(client.asked)

    asyncio.run(live())


def test_an_answer_that_cannot_be_written_leaves_nobody_waiting(node: Node) -> None:
    def refuse(outputs: Outputs) -> Any:
        raise NotImplementedError("no such type")

    async def live() -> None:
        worker = Worker(node, Setting("short", False, 0, "accept", 10, 10, 0))
        replies: Any = worker.lives[-1].variants[0].replies
        replies["text/csv"] = Reply(replies["text/csv"].head, refuse)
        ask(worker, 0, 3.0, "plain", {"Accept": "text/csv"})
        ask(worker, 1, 3.0, "plain", {})
        await worker.end()
        answers = [worker.client(number).wire.answers[0].split()[1] for number in range(2)]
        assert answers == [b"500", b"200"]
        assert not any(gate.in_use for gate in worker.lives[-1].gates)

    asyncio.run(live())


def test_an_answer_from_the_cache_stands_whatever_becomes_of_its_record(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("cannot be counted")

    async def live() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        worker = Worker(node, Setting("short", False, 10, "accept", 10, 10, 0))
        for _ in range(2):
            ask(worker, 0, 3.0, "plain", {})
            await asyncio.sleep(0.01)
            monkeypatch.setattr(VariantMetrics, "answered", refuse)
        await worker.end()
        answers = worker.client(0).wire.answers
        assert [(each.split()[1], b"Headgate-Cache" in each) for each in answers] == [(b"200", False), (b"200", True)]
        assert [gate.in_use for gate in worker.lives[-1].gates] == [0]

    asyncio.run(live())
