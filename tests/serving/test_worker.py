"""A worker's life: route tables that come and go, commands and reports, draining, handing over the socket."""

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.serving.worker_process import PREDICT, ControlWire, WorkerProcess, metric, request, wait_for

from headgate.home import Home, awaited_path
from headgate.records import AccessTable, Drain, HandOver, Refresh, Variant, WorkerReport
from headgate.settings import Settings
from headgate.testing.bundles import MODEL_FILE, BuiltBundle, LinearModel, build_bundle, publish, route_table

Start = Callable[..., WorkerProcess]
ONE = {"instances": [[1, 2, 3]]}


def bundle(home: Home, bias: float) -> BuiltBundle:
    """A regression that answers its bias plus 0.375 to ONE."""
    return build_bundle(home.cache, LinearModel(bias=bias, task="regression"))


def answer_of(worker: WorkerProcess, endpoint: str = "fraud") -> float:
    answer = worker.predict(ONE, endpoint)
    assert answer.status == 200, answer
    return float(answer.json["predictions"][0]) - 0.375


def generation(control: ControlWire, endpoint: str, number: int) -> None:
    control.report_where(lambda report: report.generations.get(endpoint, (0, 0))[1] == number)


def test_a_newer_table_is_swapped_in_and_an_older_one_is_not(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    worker = start(home)
    assert answer_of(worker) == 1
    with worker.control() as control:
        publish(home, route_table(bundle(home, 2), generation=2))
        control.send(Refresh())
        generation(control, "fraud", 2)
        assert answer_of(worker) == 2
        for older in (route_table(bundle(home, 3), generation=1), route_table(bundle(home, 3), generation=9, epoch=0)):
            publish(home, older)
            control.send(Refresh())
            control.report()
            assert answer_of(worker) == 2
        publish(home, route_table(bundle(home, 4), generation=1, epoch=2))
        control.send(Refresh())
        control.report_where(lambda report: report.generations["fraud"] == (2, 1))
        assert answer_of(worker) == 4


def test_no_request_fails_while_tables_are_swapped(home: Home, start: Start) -> None:
    bundles = [bundle(home, bias) for bias in (1, 2)]
    publish(home, route_table(bundles[0]))
    worker = start(home)
    with worker.control() as control, under_load(worker) as statuses:
        for number in range(2, 22):
            publish(home, route_table(bundles[number % 2], generation=number))
            control.send(Refresh())
            generation(control, "fraud", number)
        report = control.report_where(lambda report: len(report.digests) == 1)
    assert set(statuses) == {200}
    assert len(statuses) > 50
    assert report.digests == (bundles[21 % 2].digest,)


@contextmanager
def under_load(worker: WorkerProcess) -> Iterator[list[int]]:
    """Ask on four connections all the time; the statuses of the answers."""
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        data = request("POST", PREDICT.format("fraud"), json.dumps(ONE).encode(), Content_Type="application/json")
        wire = worker.wire()
        try:
            while not stop.is_set():
                answer = wire.send(data).response()
                statuses.append(answer.status)
                if answer.headers.get("connection") == "close":
                    wire.socket.close()
                    wire = worker.wire()
        finally:
            wire.socket.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def failing(generation: int) -> Callable[[WorkerReport], bool]:
    return lambda report: generation in {failure.generation for failure in report.failures.values()}


def test_a_table_that_cannot_be_taken_leaves_the_old_one(home: Home, start: Start) -> None:
    good = bundle(home, 1)
    publish(home, route_table(good))
    worker = start(home)
    missing = Variant(version="fraud:2", digest="0" * 64, form="onnx", placement="inline")
    other_form = Variant(version="fraud:3", digest=good.digest, form="native", placement="inline")
    damaged = bundle(home, 2)
    (damaged.folder / MODEL_FILE).write_bytes((damaged.folder / MODEL_FILE).read_bytes()[:-1] + b"x")
    swapped = bundle(home, 3)
    # another bundle's manifest in its place: whole in itself, but not what was registered
    for path in bundle(home, 4).folder.iterdir():
        (swapped.folder / path.name).write_bytes(path.read_bytes())
    wrong_columns = build_bundle(home.cache, LinearModel(features=("age", "income", "other")))
    reasons = {
        2: (route_table(good, generation=2, variants=(missing,)), "fraud:2"),
        3: (route_table(good, generation=3, variants=(other_form,)), "no form 'native'"),
        4: (route_table(damaged, generation=4), "CORRUPT"),
        5: (route_table(swapped, generation=5), "expected " + swapped.digest),
        6: (route_table(wrong_columns, generation=6, contract=good.manifest.signature), "'other'"),
    }
    with worker.control() as control:
        for number, (table, reason) in reasons.items():
            publish(home, table)
            control.send(Refresh())
            report = control.report_where(failing(number))
            assert reason in report.failures["fraud"].version + report.failures["fraud"].reason
            assert report.generations == {"fraud": (1, 1)}
            assert report.ready
            assert answer_of(worker) == 1
        publish(home, route_table(good, generation=7))
        control.send(Refresh())
        generation(control, "fraud", 7)
        assert control.report_where(lambda report: not report.failures)


def test_one_endpoint_does_not_wait_for_another(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    # no host of it will ever come up
    hosted = Variant(version="slow:1", digest=bundle(home, 2).digest, form="onnx", placement="host")
    publish(home, route_table(bundle(home, 2), "slow", variants=(hosted,)))
    worker = start(home, Settings(load_seconds=3.0))
    assert answer_of(worker) == 1
    answer = worker.predict(ONE, "slow")
    assert (answer.status, answer.json["code"]) == (503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    assert worker.ask("GET", "/readyz").status == 503
    with worker.control() as control:
        report = control.report_where(lambda report: "slow" in report.failures)
        assert not report.ready
        publish(home, route_table(bundle(home, 5), "slow", generation=2))
        control.send(Refresh())
        control.report_where(lambda report: report.ready)
    assert worker.ask("GET", "/readyz").status == 200


def test_a_node_that_has_heard_nothing_yet_does_not_say_that_nothing_is_there(home: Home, start: Start) -> None:
    awaited_path(home).touch()
    # a part of what is to come
    publish(home, route_table(bundle(home, 1)))
    worker = start(home, Settings(require_keys=True))
    for asked in (worker.predict(ONE, "other"), worker.ask("GET", "/v1/endpoints/other"), worker.ask("GET", "/readyz")):
        assert (asked.status, asked.json["code"]) == (503, "UNAVAILABLE")
        assert int(asked.headers["retry-after"]) >= 1
    assert worker.ask("GET", "/healthz").status == 200
    assert worker.predict(ONE).status == 401
    with worker.control() as control:
        assert not control.report_where(lambda report: "fraud" in report.generations).ready
        awaited_path(home).unlink()
        control.send(Refresh())
        control.report_where(lambda report: report.ready)
    assert worker.ask("GET", "/readyz").status == 200
    assert worker.predict(ONE, "other").status == 401


def test_an_endpoint_whose_table_is_gone_is_gone(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    publish(home, route_table(bundle(home, 2), "other"))
    worker = start(home)
    (home.routes / "fraud.json").unlink()
    with worker.control() as control:
        control.send(Refresh())
        control.report_where(lambda report: "fraud" not in report.generations and len(report.digests) == 1)
    assert worker.predict(ONE).status == 404
    assert answer_of(worker, "other") == 2


def test_a_table_that_cannot_be_read_changes_nothing(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    worker = start(home)
    for content in (b"{", b"\xff", b'{"endpoint": 1}', b""):
        (home.routes / "fraud.json").write_bytes(content)
        with worker.control() as control:
            control.send(Refresh())
            report = control.report_where(lambda report: "fraud" in report.failures)
            assert report.generations == {"fraud": (1, 1)}
        assert answer_of(worker) == 1
    with worker.control() as control:
        publish(home, route_table(bundle(home, 1)))
        control.send(Refresh())
        control.report_where(lambda report: not report.failures)


def test_an_access_table_takes_effect(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    worker = start(home)
    home.access.write_bytes(msgspec.json.encode(AccessTable(epoch=1, number=7, required=True)))
    with worker.control() as control:
        control.send(Refresh())
        control.report_where(lambda report: report.access_number == 7)
        assert worker.predict(ONE).status == 401
        home.access.write_bytes(b"damaged")
        control.send(Refresh())
        control.report()
    assert worker.predict(ONE).status == 401


def test_reports(home: Home, start: Start) -> None:
    built = bundle(home, 1)
    publish(home, route_table(built))
    worker = start(home, Settings(heartbeat_seconds=0.05))
    with worker.control() as first, worker.control() as second, worker.wire() as wire:
        wire.send(request("GET", "/healthz")).response()
        for control in (first, second):
            report = control.report_where(lambda report: report.requests == 1)
            assert (report.worker, report.pid, report.ready, report.draining) == (
                "w0-test",
                worker.process.pid,
                True,
                False,
            )
            assert (report.generations, report.digests) == ({"fraud": (1, 1)}, (built.digest,))
            assert (report.connections, report.in_flight) == (1, 0)
        first.socket.sendall(b"nonsense\n" + b'{"type":"unheard of"}\n\xff\n')
        assert first.report().worker == "w0-test"
        second.socket.sendall(b"x" * 200_000)
        with pytest.raises((EOFError, ConnectionError)):
            for _ in range(1000):
                second.report()
    announced = json.loads((home.run / "w0-test.json").read_text())
    assert announced["pid"] == worker.process.pid
    assert announced["socket"] == str(home.run / "w0-test.sock")


@pytest.mark.parametrize("how", ["command", "signal"])
def test_draining_loses_nothing(home: Home, start: Start, how: str) -> None:
    publish(home, route_table(bundle(home, 1)))
    old = start(home, Settings(drain_seconds=3.0), "w0-old")
    # another worker on the same socket takes what comes after
    other = WorkerProcess(home, None, "w1-new", old.listener)
    try:
        with old.wire() as idle, under_load(old) as statuses:
            idle.send(request("GET", "/healthz"))
            idle.response()
            wait_for(lambda: len(statuses) > 20)
            if how == "command":
                with old.control() as control:
                    control.send(Drain())
                    control.report_where(lambda report: report.draining and not report.ready)
            else:
                old.process.send_signal(signal.SIGTERM)
            assert old.process.wait(20) == 0, old.logged
            before = len(statuses)
            wait_for(lambda: len(statuses) > before + 20)
        assert set(statuses) == {200}
    finally:
        other.process.terminate()
        assert other.process.wait(20) == 0
        other.log.close()
    assert not list(home.run.glob("w0-old.*"))


def test_a_draining_worker_answers_and_says_close(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    worker = start(home, Settings(drain_seconds=5.0))
    with worker.wire() as wire:
        wire.send(request("GET", "/healthz")).response()
        with worker.control() as control:
            control.send(Drain())
            control.report_where(lambda report: report.draining)
        answer = wire.send(request("GET", "/readyz")).response()
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert wire.is_closed()
    assert worker.process.wait(20) == 0


def test_the_listening_socket_is_handed_over(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    worker = start(home)
    with worker.control() as control:
        control.send(HandOver())
        received, descriptors = b"", []
        while b'{"hand_over":true}\n' not in received:
            data, found, _, _ = socket.recv_fds(control.socket, 65536, 4)
            received += data
            descriptors += found
    assert len(descriptors) == 1
    taken = socket.socket(fileno=descriptors[0])
    assert taken.getsockname() == worker.listener.getsockname()
    worker.process.kill()
    worker.process.wait()
    taken.settimeout(5)
    with socket.create_connection(("127.0.0.1", worker.port)) as client:
        connection, _ = taken.accept()
        assert connection.getpeername() == client.getsockname()
        connection.close()
    taken.close()


def test_a_worker_that_was_killed_leaves_nothing_in_the_way(home: Home, start: Start) -> None:
    publish(home, route_table(bundle(home, 1)))
    first = start(home)
    answer_of(first)
    first.process.kill()
    first.process.wait()
    assert (home.run / "w0-test.sock").exists()
    (home.run / "w0-test.json").unlink()
    again = start(home)
    assert answer_of(again) == 1


def test_memory_stays_over_many_swaps(home: Home, start: Start) -> None:
    bundles = [bundle(home, bias) for bias in (1, 2)]
    publish(home, route_table(bundles[0]))
    worker = start(home)
    with worker.control() as control:
        for number in range(2, 62):
            publish(home, route_table(bundles[number % 2], generation=number))
            control.send(Refresh())
            generation(control, "fraud", number)
            answer_of(worker)
            if number == 11:
                before = worker.resident_kb
    assert worker.resident_kb < before + 20_000


def test_long_paths(tmp_path: Path, start: Start) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    home = Home(deep / "home").create()
    publish(home, route_table(bundle(home, 1)))
    assert answer_of(start(home)) == 1
    assert (home.run / "w0-test.sock").is_socket()


def test_metrics_tell_the_memory_of_the_node(home: Home, start: Start) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home)
    # a file whose pid has passed to a stranger
    (home.run / "w9-gone.json").write_text('{"pid": 1}')
    assert worker.predict({"instances": [[1.0, 2.0, 3.0]]}).status in (200, 422)
    text = worker.ask("GET", "/metrics").body.decode()
    resident = metric(text, "headgate_resident_memory_bytes", process="worker")
    assert 10_000_000 < metric(text, "headgate_proportional_memory_bytes", process="worker") <= resident
    assert resident == pytest.approx(worker.resident_kb * 1024, rel=0.2)
    assert metric(text, "headgate_variant_workers", endpoint="fraud", placement="inline") == 1
