"""A worker before model hosts: bad models answer like any other, and take nobody with them."""

import threading
from collections.abc import Iterator

import pytest
from tests.serving.worker_process import PREDICT, Response, WorkerProcess, metric, request, wait_for
from tests.serving_hosts.process import TemplateProcess, is_running

from headgate.home import Home
from headgate.records import EndpointSpec, Limits, Variant
from headgate.serving.responses import JSON
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table
from headgate.testing.zoo import Fault, build_zoo


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemplateProcess]:
    home = Home(tmp_path_factory.mktemp("home")).create()
    started = TemplateProcess(home, build_zoo(home.cache), runtime="onnx")
    yield started
    started.end_hosts()
    started.end()


@pytest.fixture(scope="module")
def worker(template: TemplateProcess) -> Iterator[WorkerProcess]:
    """The zoo in hosts behind `zoo`, a model inside the worker behind `fraud`."""
    template.host()
    home, zoo = template.home, template.bundle
    variant = Variant(version="zoo:1", digest=zoo.digest, form="native", placement="host")
    publish(home, route_table(zoo, "zoo", variants=(variant,), spec=EndpointSpec(limits=Limits(timeout_ms=10_000))))
    publish(home, route_table(build_bundle(home.cache)))
    process = WorkerProcess(home, Settings())
    yield process
    process.stop()


def ask(worker: WorkerProcess, fault: int = 0, value: float = 1.0, **headers: str) -> Response:
    return worker.predict({"instances": [[fault, value]]}, "zoo", **headers)


def test_a_hosted_model_answers(worker: WorkerProcess) -> None:
    answer = ask(worker, value=3.0)
    assert (answer.status, answer.headers["headgate-model"]) == (200, "zoo:1")
    assert worker.ask("GET", "/readyz").status == 200


def test_the_model_in_a_host_sees_the_callers_trace(worker: WorkerProcess) -> None:
    answer = ask(worker, Fault.TELLS_TRACE, 3.0, traceparent=f"00-{'abcdef' + '1' * 26}-00f067aa0ba902b7-01")
    assert answer.json["predictions"] == [0xABCDEF]
    assert ask(worker, Fault.TELLS_TRACE, 3.0).json["predictions"] == [3.0]


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.RAISES, "MODEL_ERROR"), (Fault.NAN, "MODEL_OUTPUT_INVALID"), (Fault.TOO_MANY_ROWS, "MODEL_OUTPUT_INVALID")],
)
def test_faults_of_the_model_are_its_own(worker: WorkerProcess, fault: Fault, code: str) -> None:
    answer = ask(worker, fault)
    assert (answer.status, answer.json["code"]) == (500, code)
    assert "nobody expected" not in answer.json["error"]
    assert ask(worker).status == 200


def test_the_rows_of_the_hosts_batches_are_counted(worker: WorkerProcess) -> None:
    def counted() -> tuple[float, float]:
        text = worker.ask("GET", "/metrics").body.decode()
        sums, counts = (f"headgate_batch_rows_{each}" for each in ("sum", "count"))
        return metric(text, sums, endpoint="zoo"), metric(text, counts, endpoint="zoo")

    rows, batches = counted()
    assert worker.predict({"instances": [[0, 1], [0, 2], [0, 3]]}, "zoo").status == 200
    assert ask(worker).status == 200
    assert counted() == (rows + 4, batches + 2)


def test_a_deadline_ends_the_wait(worker: WorkerProcess) -> None:
    assert ask(worker, Fault.SLEEPS).status == 200
    answer = ask(worker, Fault.SLEEPS, Headgate_Timeout_Ms="100")
    assert (answer.status, answer.json["code"]) == (504, "DEADLINE_EXCEEDED")


def test_a_request_outlives_its_host(worker: WorkerProcess, template: TemplateProcess) -> None:
    """The worker holds the request until another host is there."""
    killed = template.pids()
    template.end_hosts()
    wait_for(lambda: not any(map(is_running, killed)))
    answers: list[Response] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(worker, value=5.0)))
    waiting.start()
    assert worker.predict({"instances": [[1, 2, 3]]}).status == 200
    template.host()
    waiting.join()
    assert [answer.status for answer in answers] == [200]


def test_an_inline_model_does_not_notice(worker: WorkerProcess) -> None:
    statuses: list[int] = []
    slow = [threading.Thread(target=lambda: statuses.append(ask(worker, Fault.SLEEPS).status)) for _ in range(4)]
    for thread in slow:
        thread.start()
    for _ in range(50):
        assert worker.predict({"instances": [[1, 2, 3]]}).status == 200
    for thread in slow:
        thread.join()
    assert statuses == [200] * 4


def test_who_leaves_is_counted_and_holds_nothing(worker: WorkerProcess) -> None:
    sent = request("POST", PREDICT.format("zoo"), b'{"instances": [[%d, 1]]}' % Fault.SLEEPS, Content_Type=JSON)

    def exposition() -> str:
        return worker.ask("GET", "/metrics").body.decode()

    def left() -> float:
        labels = {"endpoint": "zoo", "status": "499", "reason": "CLIENT_LEFT"}
        return metric(exposition(), "headgate_requests_total", **labels)

    leaving = [worker.wire().send(sent * 2) for _ in range(4)]
    for wire in leaving:
        wire.socket.close()
    wait_for(lambda: left() >= 4)
    assert ask(worker).status == 200
    wait_for(lambda: "\nheadgate_in_flight 0\n" in exposition())
