"""Limits over real workers: who is refused and how, what is free again, and what a client that leaves still costs."""

import hashlib
import json
import signal
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.serving.worker_process import PREDICT, Response, Wire, WorkerProcess, metric, request, wait_for

from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest, canonical_bytes
from headgate.home import Home
from headgate.records import AccessKey, AccessTable, Column, EndpointSpec, Limits, Refresh, Signature, Variant
from headgate.settings import Settings
from headgate.spool.reading import read_records
from headgate.testing.bundles import BuiltBundle, publish, route_table, write_bundle
from headgate.testing.runtime import FakeAnswers

Start = Callable[..., WorkerProcess]
BODY = b'{"instances": [[1, 2]]}'


def fake_bundle(home: Home, name: str, answers: FakeAnswers) -> BuiltBundle:
    """A fake model of two numbers."""
    golden = {
        "format": 1,
        "inputs": {"columns": {"a": [1.5], "b": [2.5]}},
        "outputs": {"predictions": [4.0 + answers.bias]},
        "tolerance": {"absolute": 1e-6, "relative": 1e-5},
    }
    inputs = tuple(Column(name=name, dtype="float64", example=1.5) for name in "ab")
    manifest = Manifest(
        name=name,
        framework="fake",
        task="regression",
        signature=Signature(inputs=inputs, outputs=(Column(name="predictions", dtype="float64"),)),
        forms={"native": Form(runtime="fake", path="model.json")},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
    )
    files = {"model.json": msgspec.json.encode(answers), GOLDEN: json.dumps(golden).encode()}
    return write_bundle(home.cache, manifest, files)


class Stage:
    """The endpoint `slow`, whose model answers when it may; it runs in a thread."""

    others: tuple[Variant, ...] = ()

    def __init__(self, home: Home, start: Start, seconds: float = 0.001, **limits: Any) -> None:
        self.home = home
        self.start = start
        self.door = home.path / "may_answer"
        self.door.touch()
        answers = FakeAnswers(seconds=seconds, waits_for=str(self.door), fails_at=9.0, nan_at=8.0)
        self.bundle = fake_bundle(home, "slow", answers)
        self.publish(**limits)
        self.worker = self.begin("w0-test")
        self.hold()

    def publish(self, generation: int = 1, **limits: Any) -> None:
        stable = Variant(version="slow:1", digest=self.bundle.digest, form="native", placement="inline")
        spec = EndpointSpec(limits=Limits(**limits))
        publish(self.home, route_table(self.bundle, "slow", generation, spec=spec, variants=(stable, *self.others)))

    def begin(self, name: str, settings: Settings | None = None) -> WorkerProcess:
        return self.start(self.home, settings or Settings(), name, module="tests.serving.fake_worker")

    def hold(self) -> None:
        self.door.unlink()

    def let_answer(self) -> None:
        self.door.touch()

    def asking(self, times: int = 1, worker: WorkerProcess | None = None, **headers: str) -> Wire:
        """A connection on which something is asked, and not answered yet."""
        sent = request("POST", PREDICT.format("slow"), BODY, Content_Type="application/json", **headers)
        return (worker or self.worker).wire().send(sent * times)

    def ask(self, worker: WorkerProcess | None = None, **headers: str) -> Response:
        return (worker or self.worker).predict(BODY, "slow", **headers)

    def exposition(self) -> str:
        return self.worker.ask("GET", "/metrics").body.decode()

    def counted(self, status: int, reason: str = "", version: str = "") -> float:
        labels = {"endpoint": "slow", "version": version} if version else {"endpoint": "slow"}
        lines = [line for line in self.exposition().splitlines() if line.startswith("headgate_requests_total")]
        return sum(
            metric(line, "headgate_requests_total", status=str(status), reason=reason, **labels) for line in lines
        )

    def await_in_flight(self, wanted: int) -> None:
        """The gauge is written at every sweep."""
        wait_for(lambda: f"\nheadgate_in_flight {wanted}\n" in self.exposition())

    @property
    def rows(self) -> float:
        """That the model answered."""
        return metric(self.exposition(), "headgate_rows_total", endpoint="slow", version="slow:1")


def reset(wire: Wire) -> None:
    """Leave as a process does that dies with something unread."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


def statuses(*wires: Wire) -> list[int]:
    return [wire.response().status for wire in wires]


def test_an_endpoint_that_is_full_says_so(home: Home, start: Start) -> None:
    stage = Stage(home, start, concurrency=2)
    with stage.asking() as first, stage.asking() as second:
        stage.await_in_flight(2)
        answer = stage.ask()
        assert (answer.status, answer.json["code"]) == (503, "OVERLOADED")
        assert int(answer.headers["retry-after"]) >= 1
        for path in ("/healthz", "/readyz", "/metrics", "/v1/endpoints"):
            assert stage.worker.ask("GET", path).status == 200
        stage.let_answer()
        assert statuses(first, second) == [200, 200]
    assert stage.ask().status == 200
    assert (stage.counted(503, "OVERLOADED"), stage.counted(200)) == (1, 3)


def test_a_queue_that_is_full_says_so(home: Home, start: Start) -> None:
    stage = Stage(home, start, queue=1)
    with stage.asking() as running:
        stage.await_in_flight(1)
        with stage.asking() as waiting:
            stage.await_in_flight(2)
            answer = stage.ask()
            assert (answer.status, answer.json["code"]) == (503, "OVERLOADED")
            stage.let_answer()
            assert statuses(running, waiting) == [200, 200]
    assert stage.ask().status == 200


def test_the_urgent_go_first_and_others_make_room(home: Home, start: Start) -> None:
    stage = Stage(home, start, concurrency=3)
    with (
        stage.asking() as running,
        stage.asking(Headgate_Priority="low") as first,
        stage.asking(Headgate_Priority="low") as second,
    ):
        stage.await_in_flight(3)
        with stage.asking(Headgate_Priority="high") as urgent:
            shed = second.response()
            assert (shed.status, shed.json["code"]) == (503, "OVERLOADED")
            assert int(shed.headers["retry-after"]) >= 1
            assert stage.ask(Headgate_Priority="low").status == 503
            answer = stage.ask(Headgate_Priority="urgent")
            assert (answer.status, answer.json["code"]) == (400, "MALFORMED")
            stage.let_answer()
            assert statuses(running, urgent, first) == [200] * 3
    labels = {"endpoint": "slow", "priority": "low"}
    assert metric(stage.exposition(), "headgate_shed_total", version="slow:1", **labels) == 1
    assert metric(stage.exposition(), "headgate_shed_total", version="", **labels) == 1


def test_an_endpoint_has_a_rate(home: Home, start: Start) -> None:
    stage = Stage(home, start, requests_per_second=0.01, burst=2)
    stage.let_answer()
    answers = [stage.ask() for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert answers[3].json["code"] == "RATE_LIMITED"
    assert 90 < int(answers[3].headers["retry-after"]) <= 100
    assert stage.counted(429, "RATE_LIMITED") == 2


def test_keys_have_limits_of_their_own(home: Home, start: Start) -> None:
    keys = tuple(
        AccessKey(id=name, sha256=hashlib.sha256(name.encode()).hexdigest(), actor="me", predict=("*",), **limits)
        for name, limits in (("fast", {"requests_per_second": 0.01}), ("wide", {"concurrency": 1}), ("free", {}))
    )
    home.access.write_bytes(canonical_bytes(AccessTable(epoch=1, number=1, required=True, keys=keys)))
    stage = Stage(home, start)

    def statuses_of(name: str, times: int) -> list[int]:
        return [stage.ask(Authorization=f"Bearer {name}", Headgate_Timeout_Ms="1").status for _ in range(times)]

    with stage.asking(Authorization="Bearer wide") as one:
        wait_for(lambda: statuses_of("wide", 1) == [429])
        assert statuses_of("fast", 2) == [504, 429]
        assert statuses_of("free", 3) == [504] * 3
        stage.let_answer()
        assert statuses(one) == [200]
    assert stage.ask(Authorization="Bearer wide").status == 200


def test_what_is_refused_or_malformed_holds_no_place(home: Home, start: Start) -> None:
    stage = Stage(home, start, concurrency=1, queue=1)
    for content in (b"", b'{"instances": [["x", 1]]}', b"[" * 1000):
        assert stage.worker.predict(content, "slow").status in (400, 422)
    assert stage.worker.predict(BODY, "slow", Headgate_Variant="nobody").status == 404
    assert stage.ask(Headgate_Timeout_Ms="0").status == 504
    assert stage.ask(Headgate_Timeout_Ms="50").status == 504
    stage.let_answer()
    assert stage.ask().status == 200


def test_what_a_killed_worker_held_is_given_back(home: Home, start: Start) -> None:
    stage = Stage(home, start, concurrency=2)
    other = stage.begin("w1-test")
    with stage.asking(2):
        stage.await_in_flight(2)
        assert stage.ask(other).status == 503
        stage.worker.process.send_signal(signal.SIGKILL)
        stage.worker.process.wait()
        stage.let_answer()
        wait_for(lambda: stage.ask(other).status == 200)


def test_a_newer_table_goes_on_counting(home: Home, start: Start) -> None:
    stage = Stage(home, start, concurrency=1)
    with stage.asking() as wire:
        stage.await_in_flight(1)
        stage.publish(2, concurrency=1, timeout_ms=20_000)
        with stage.worker.control() as control:
            control.send(Refresh())
            control.report_where(lambda report: report.generations["slow"] == (1, 2))
        assert stage.ask().status == 503
        stage.let_answer()
        assert statuses(wire) == [200]
    assert stage.ask().status == 200


@pytest.mark.parametrize("leave", [reset, lambda wire: wire.socket.close()], ids=["reset", "closed"])
def test_who_leaves_the_queue_is_not_asked_for(home: Home, start: Start, leave: Callable[[Wire], None]) -> None:
    stage = Stage(home, start, concurrency=4)
    with stage.asking() as running:
        stage.await_in_flight(1)
        leaving = [stage.asking(), stage.asking(2)]
        stage.await_in_flight(4)
        assert stage.ask().status == 503
        for wire in leaving:
            leave(wire)
        wait_for(lambda: stage.counted(499, "CLIENT_LEFT") == 3)
        stage.await_in_flight(1)
        # their places are free, though the model has not moved
        with stage.asking(3) as others:
            stage.await_in_flight(4)
            stage.let_answer()
            assert statuses(running, others, others, others) == [200] * 4
    wait_for(lambda: stage.rows == 4)
    stage.await_in_flight(0)


def test_who_leaves_while_the_model_runs_holds_nothing(home: Home, start: Start) -> None:
    stage = Stage(home, start, concurrency=1)
    wire = stage.asking()
    stage.await_in_flight(1)
    reset(wire)
    wait_for(lambda: stage.counted(499, "CLIENT_LEFT") == 1)
    with stage.asking() as other:
        stage.await_in_flight(1)
        stage.let_answer()
        assert statuses(other) == [200]
    stage.await_in_flight(0)
    assert (stage.counted(200), stage.counted(499, "CLIENT_LEFT")) == (1, 1)


def test_who_leaves_while_it_is_answered_has_been_answered(home: Home, start: Start) -> None:
    stage = Stage(home, start, concurrency=64)
    stage.let_answer()
    body = json.dumps({"instances": [[1, 2]] * 10_000}).encode()
    wire = stage.worker.wire()
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.send(request("POST", PREDICT.format("slow"), body, Content_Type="application/json") * 8)
    wait_for(lambda: stage.counted(200) > 0)
    reset(wire)
    stage.await_in_flight(0)
    assert stage.ask().status == 200
    wait_for(lambda: stage.counted(200) + stage.counted(499, "CLIENT_LEFT") <= 9)


def test_who_has_sent_all_is_answered_when_the_model_is_at_work(home: Home, start: Start) -> None:
    stage = Stage(home, start)
    with stage.asking() as wire:
        stage.await_in_flight(1)
        wire.socket.shutdown(socket.SHUT_WR)
        time.sleep(0.2)
        stage.let_answer()
        assert statuses(wire) == [200]


def test_a_deadline_begins_with_the_last_byte(home: Home, start: Start) -> None:
    stage = Stage(home, start)
    stage.let_answer()
    sent = request("POST", PREDICT.format("slow"), BODY, Content_Type="application/json", Headgate_Timeout_Ms="1000")
    with stage.worker.wire() as wire:
        wire.send(sent[:-5])
        time.sleep(1.1)
        wire.send(sent[-5:])
        assert statuses(wire) == [200]


class Standby(Stage):
    """`slow` with a fallback that answers 100 more."""

    def __init__(self, home: Home, start: Start, **limits: Any) -> None:
        digest = fake_bundle(home, "spare", FakeAnswers(bias=100.0)).digest
        self.others = (
            Variant(version="spare:7", digest=digest, form="native", placement="inline", role="fallback", weight=0),
        )
        super().__init__(home, start, 0.001, **limits)


def who(answer: Response) -> tuple[int, str, str]:
    return (answer.status, answer.headers.get("headgate-model", ""), answer.headers.get("headgate-variant", ""))


STABLE, FALLBACK = (200, "slow:1", "stable"), (200, "spare:7", "fallback")


@pytest.mark.parametrize(
    ("numbers", "code"), [([4, 5], "MODEL_ERROR"), ([4, 4], "MODEL_OUTPUT_INVALID")], ids=["fails", "nan"]
)
def test_the_fallback_answers_for_a_model_that_fails(home: Home, start: Start, numbers: list[int], code: str) -> None:
    stage = Standby(home, start, concurrency=1)
    stage.let_answer()
    assert who(stage.ask()) == STABLE
    content = {"instances": [numbers]}
    answer = stage.worker.predict(content, "slow", Headgate_Id="twice", Accept="text/csv")
    assert who(answer) == FALLBACK
    assert answer.body.split() == [b"predictions", b"%.1f" % (sum(numbers) + 100)]
    # who asks for a variant by name gets that one; who asks wrongly is told so
    assert stage.worker.predict(content, "slow", Headgate_Variant="stable").json["code"] == code
    assert stage.worker.predict({"instances": [["x", 1]]}, "slow").status == 422
    assert stage.ask(Headgate_Timeout_Ms="0").status == 504
    assert who(stage.ask()) == STABLE
    wait_for(lambda: stage.counted(200, version="spare:7") == 1)
    assert stage.counted(500, code, version="slow:1") == 2
    assert stage.counted(200, version="slow:1") == 2
    records = [record for record in read_records(home.spool, "slow", 100) if record["id"] == "twice"]
    assert {(record["version"], record["status"]) for record in records} == {("slow:1", 500), ("spare:7", 200)}


def test_the_fallback_answers_for_a_model_that_is_full_or_late(home: Home, start: Start) -> None:
    stage = Standby(home, start, queue=1, concurrency=3)
    with stage.asking() as running:
        stage.await_in_flight(1)
        late = stage.ask(Headgate_Timeout_Ms="2000")
        assert who(late) == FALLBACK
        with stage.asking() as waiting:
            stage.await_in_flight(2)
            assert who(stage.ask()) == FALLBACK
            stage.let_answer()
            assert [who(wire.response()) for wire in (running, waiting)] == [STABLE, STABLE]
    wait_for(lambda: stage.counted(200, version="spare:7") == 2)
    assert stage.counted(504, "DEADLINE_EXCEEDED", version="slow:1") == 1
    assert stage.counted(503, "OVERLOADED", version="slow:1") == 1
    assert [who(stage.ask()) for _ in range(4)] == [STABLE] * 4


def test_who_makes_room_is_not_answered_by_the_fallback(home: Home, start: Start) -> None:
    """Its place is for whoever it made room for."""
    stage = Standby(home, start, concurrency=2)
    with stage.asking() as running, stage.asking(Headgate_Priority="low") as waiting:
        stage.await_in_flight(2)
        with stage.asking(Headgate_Priority="high") as urgent:
            shed = waiting.response()
            assert (shed.status, shed.json["code"]) == (503, "OVERLOADED")
            stage.let_answer()
            assert [who(wire.response()) for wire in (running, urgent)] == [STABLE, STABLE]
    assert stage.counted(503, "OVERLOADED", version="slow:1") == 1
    assert stage.counted(200, version="spare:7") == 0
