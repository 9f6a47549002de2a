"""gRPC as the worker's second port: keys, deadlines, cancellation, limits, health, TLS, and leaving without a loss."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import grpc
import msgspec
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.certificates import Authority
from tests.serving.rpc.conftest import Caller, matrix, raw_request, refusal
from tests.serving.test_access import key
from tests.serving.worker_process import WorkerProcess, wait_for

from headgate.client.local import free_ports
from headgate.home import Home, write_atomically
from headgate.records import AccessTable, EndpointSpec, Limits
from headgate.serving.dialects.oip_grpc import OpenInferenceGrpc
from headgate.serving.dialects.oip_messages import SERVICE, message
from headgate.serving.rpc.door import SERVER, rpc_of
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

ROWS = [{"age": 41.0, "income": 2.5, "balance": -3.0}]
Start = Callable[..., WorkerProcess]
QUICK = Settings(drain_seconds=0.5)


def spoken(start: Start, home: Home, settings: Settings = QUICK, **more: Any) -> WorkerProcess:
    return start(home, settings, grpc_port=free_ports(1)[0], **more)


def status(channel: Any, **metadata: str) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20, wait_for_ready=True)
    return int(answer.status)


def listed(channel: Any, *metadata: tuple[str, str]) -> set[str]:
    """The services that reflection tells."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (answer,) = stub.ServerReflectionInfo(asked, metadata=metadata, timeout=20)
    return {each.name for each in answer.list_services_response.service}


def test_every_method_wants_a_key(start: Start, home: Home) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    keys = (key("right", "*"), key("elsewhere", "other/staging"))
    write_atomically(home.access, msgspec.json.encode(AccessTable(epoch=1, number=1, required=True, keys=keys)))
    worker = spoken(start, home, Settings(require_keys=True, drain_seconds=0.5))
    fields = {"ModelInfer": raw_request(matrix(ROWS)), "RepositoryIndex": {}, "ServerMetadata": {}}
    with Caller(worker.grpc_port) as caller:
        for route in OpenInferenceGrpc.routes:
            if route.public:
                caller.ask(route.method)
                continue
            given = {"model_name": "fraud"} if route.does in ("load", "unload") else {"name": "fraud"}
            given = fields.get(route.method, given)
            for metadata in ((), [("authorization", "Bearer wrong")], [("authorization", "right")]):
                error: Any = refusal(lambda r=route, g=given, m=metadata: caller.ask(r.method, m, **g))
                assert error.code() is grpc.StatusCode.UNAUTHENTICATED, route.method
            if given:
                other = [("authorization", "Bearer elsewhere")]
                error = refusal(lambda r=route, g=given, m=other: caller.ask(r.method, m, **g))
                assert error.code() is grpc.StatusCode.PERMISSION_DENIED, route.method
        right = [("authorization", "Bearer right")]
        assert caller.ask("ModelInfer", right, **fields["ModelInfer"]).outputs
        twice: Any = refusal(lambda: caller.ask("ModelInfer", right * 2, **fields["ModelInfer"]))
        assert twice.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert status(caller.channel) == health_pb2.HealthCheckResponse.SERVING
        assert refusal(lambda: listed(caller.channel)).code() is grpc.StatusCode.UNAUTHENTICATED
        assert listed(caller.channel, *right) >= {SERVICE, "grpc.health.v1.Health"}


def test_limits_hold(start: Start, home: Home) -> None:
    limits = Limits(requests_per_second=1, burst=1, max_rows=3, max_body_bytes=1 << 16)
    publish(home, route_table(build_bundle(home.cache), spec=EndpointSpec(limits=limits)))
    with Caller(spoken(start, home).grpc_port) as caller:
        many: Any = refusal(lambda: caller.infer(matrix(ROWS * 4)))
        assert many.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        errors: list[Any] = []
        for _ in range(4):
            try:
                caller.infer(matrix(ROWS))
            except grpc.RpcError as error:
                errors.append(error)
        assert errors
        assert all(error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED for error in errors)
        assert all(dict(error.trailing_metadata())["retry-after"] for error in errors)


def test_messages_are_bounded(start: Start, home: Home) -> None:
    publish(home, route_table(build_bundle(home.cache), spec=EndpointSpec(limits=Limits(max_body_bytes=1 << 16))))
    with Caller(spoken(start, home).grpc_port) as caller:
        for size in (1 << 16, 17 << 20):
            error: Any = refusal(lambda size=size: caller.ask("ModelInfer", model_name="fraud", id="x" * size))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caller.infer(matrix(ROWS))


def test_health_says_when_it_is_ready(start: Start, home: Home) -> None:
    with Caller(spoken(start, home).grpc_port) as caller:
        before = status(caller.channel)
        assert not caller.ask("RepositoryIndex").models
    assert before in (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING)


def test_a_certificate_is_taken_at_once(start: Start, home: Home, tmp_path: Path) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    old, new = Authority(), Authority()
    cert, secret = old.sign().write(tmp_path)
    worker = spoken(start, home, Settings(tls_cert=cert, tls_key=secret, drain_seconds=0.5))
    trusted = [grpc.ssl_channel_credentials(each.pem) for each in (old, new)]
    with Caller(worker.grpc_port, trusted[0]) as caller:
        assert caller.infer(matrix(ROWS))
    new.sign().write(tmp_path)

    def answers() -> bool:
        with Caller(worker.grpc_port, trusted[1]) as caller:
            try:
                return bool(caller.infer(matrix(ROWS), seconds=2))
            except grpc.RpcError:
                return False

    wait_for(answers)


def wait_for_more(count: list[int]) -> None:
    """Until every number has grown."""
    before = list(count)
    wait_for(lambda: all(now > was for now, was in zip(count, before, strict=True)))


@pytest.mark.parametrize("rounds", [2])
def test_workers_replace_each_other_without_a_failed_call(start: Start, home: Home, rounds: int) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    (port,) = free_ports(1)
    worker = start(home, QUICK, grpc_port=port)
    asked = message("ModelInferRequest")(**raw_request(matrix(ROWS))).SerializeToString()
    errors: list[str] = []
    done = threading.Event()
    count = [0] * 4

    def call(place: int) -> None:
        with Caller(port) as caller:
            method = caller.method("ModelInfer")
            while not done.is_set():
                try:
                    method(asked, timeout=20)
                    count[place] += 1
                except grpc.RpcError as error:
                    errors.append(str(error))

    threads = [threading.Thread(target=call, args=(place,)) for place in range(len(count))]
    for thread in threads:
        thread.start()
    wait_for(lambda: min(count) > 10)
    for number in range(rounds):
        following = start(home, QUICK, f"w{number + 1}-next", grpc_port=port)
        os.kill(worker.process.pid, signal.SIGTERM)
        assert worker.process.wait(30) == 0, worker.logged
        worker = following
        wait_for_more(count)
    done.set()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]


def test_a_worker_without_grpc_has_nothing_of_it_in_memory(start: Start, home: Home) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    for worker, holds in ((start(home), False), (spoken(start, home, name="w1-test"), True)):
        assert worker.predict({"rows": ROWS}).status == 200
        assert ("cygrpc" in Path(f"/proc/{worker.process.pid}/maps").read_text()) is holds


def test_a_worker_without_grpcio_serves_http_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, SERVER, None)
    assert rpc_of(Settings(grpc_port=8001), None, cast("Any", None)) is None
    assert "pip install 'headgate[grpc]'" in caplog.text


def test_without_calls_it_leaves_at_once(start: Start, home: Home) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = spoken(start, home, Settings(drain_seconds=20.0))
    with Caller(worker.grpc_port) as caller:
        assert caller.infer(matrix(ROWS))
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 15
