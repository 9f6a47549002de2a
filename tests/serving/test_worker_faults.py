"""A worker under faults while it is asked all the time: tables that change, a clock that jumps, workers that leave."""

import hashlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
from tests.serving.test_http import BODY, post
from tests.serving.worker_process import WorkerProcess, wait_for

from headgate.home import Home, write_atomically
from headgate.records import (
    DEFAULT_ENVIRONMENT,
    DEFAULT_PROJECT,
    AccessKey,
    AccessTable,
    Refresh,
    RouteTable,
    WorkerReport,
)
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

Start = Callable[..., WorkerProcess]
KEYS = {name: f"hg_{name}_secret" for name in ("always", "now", "then")}
JUMPING_CLOCK = """
import itertools, pathlib, time
pathlib.Path(__file__).with_name("jumps").touch()
_real, _jumps = time.time, itertools.cycle((0, 3600, -3600, 86400 * 365))
time.time = lambda: _real() + next(_jumps)
"""


@contextmanager
def asking(worker: WorkerProcess, data: bytes, connections: int = 3) -> Iterator[list[tuple[int, bytes]]]:
    """Ask all the time; status and body of every answer, 0 where there was none."""
    answers: list[tuple[int, bytes]] = []
    done = threading.Event()

    def ask() -> None:
        wire = worker.wire()
        while not done.is_set():
            try:
                answer = wire.send(data).response()
            except (OSError, EOFError) as error:
                answers.append((0, repr(error).encode()))
                return
            answers.append((answer.status, answer.body))
            if answer.headers.get("connection") == "close":
                wire.socket.close()
                wire = worker.wire()
        wire.socket.close()

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        done.set()
        for thread in threads:
            thread.join()


def numbered(table: RouteTable, version: str) -> RouteTable:
    """The table with its variant under another version."""
    return msgspec.structs.replace(table, variants=(msgspec.structs.replace(table.variants[0], version=version),))


def has_table(number: int, report: WorkerReport) -> bool:
    return report.generations["fraud"] == (1, number)


def has_access(number: int, report: WorkerReport) -> bool:
    return report.access_number == number


def more_than(answers: list[tuple[int, bytes]], count: int) -> bool:
    return len(answers) > count


def test_an_answer_is_of_one_table_alone(home: Home, start: Start) -> None:
    bundles = [build_bundle(home.cache, LinearModel(bias=bias)) for bias in (0.0, 3.0)]
    tables = [numbered(route_table(bundle), f"fraud:{place}") for place, bundle in enumerate(bundles)]
    publish(home, tables[0])
    worker = start(home)
    with worker.control() as control, asking(worker, post()) as answers:
        for number in range(2, 30):
            publish(home, msgspec.structs.replace(tables[number % 2], generation=number))
            control.send(Refresh())
            control.report_where(partial(has_table, number))
    assert {status for status, _ in answers} == {200}
    seen = {(answer["model"], answer["probabilities"][0][1]) for answer in (json.loads(body) for _, body in answers)}
    # every version with its own probability, and never with the other's
    assert len(seen) == len({model for model, _ in seen}) == 2


def access(number: int, *names: str) -> AccessTable:
    keys = tuple(
        AccessKey(
            id=name,
            sha256=hashlib.sha256(KEYS[name].encode()).hexdigest(),
            actor=name,
            predict=(f"{DEFAULT_PROJECT}/{DEFAULT_ENVIRONMENT}",),
        )
        for name in names
    )
    return AccessTable(epoch=1, number=number, required=True, keys=keys)


def test_access_changes_while_it_is_used(home: Home, start: Start) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    home.access.write_bytes(msgspec.json.encode(access(1, "always", "now")))
    worker = start(home, Settings(require_keys=True))
    assert worker.predict(BODY, Authorization=f"Bearer {KEYS['always']}").status == 200
    with worker.control() as control, asking(worker, post(Authorization=f"Bearer {KEYS['always']}")) as answers:
        for number in range(2, 30):
            names = ("always", "now") if number % 2 else ("then", "always")
            write_atomically(home.access, msgspec.json.encode(access(number, *names)))
            control.send(Refresh())
            control.report_where(partial(has_access, number))
            for name in ("now", "then"):
                status = worker.predict(BODY, Authorization=f"Bearer {KEYS[name]}").status
                assert (status == 200) is (name in names), (number, name)
    assert {status for status, _ in answers} == {200}


def test_a_clock_that_jumps_does_not_matter(
    home: Home, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(JUMPING_CLOCK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home, Settings(header_seconds=1.5))
    assert (tmp_path / "jumps").exists()
    with worker.wire() as idle, worker.wire() as slow, asking(worker, post(Headgate_Timeout_Ms="20000")) as answers:
        assert idle.send(post()).response().status == 200
        slow.send(b"GET /hea")
        begun = time.monotonic()
        assert slow.response().status == 408
        assert time.monotonic() - begun > 1
        assert idle.send(post()).response().status == 200
    assert {status for status, _ in answers} == {200}


def test_what_is_under_way_is_answered_when_a_worker_leaves(home: Home, start: Start) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home, Settings(drain_seconds=10.0))
    large = b" " * 300_000 + BODY
    with worker.wire() as idle, worker.wire() as long:
        idle.send(post()).response()
        long.send(post(large)[:-200_000])
        with worker.control() as control:
            worker.process.send_signal(signal.SIGTERM)
            control.report_where(lambda report: report.draining)
        assert idle.send(post()).response().headers["connection"] == "close"
        # the rest comes only now
        answer = long.send(large[-200_000:]).response()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert worker.process.wait(20) == 0


@pytest.mark.heavy
def test_workers_leave_one_after_the_other_and_nothing_is_lost(home: Home, start: Start) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    first = start(home, Settings(drain_seconds=3.0), "w0-0")
    workers = [first, WorkerProcess(home, Settings(drain_seconds=3.0), "w1-0", first.listener)]
    try:
        with asking(first, post(), 8) as answers:
            for number in range(1, 9):
                leaving = workers.pop(0)
                workers.append(
                    WorkerProcess(home, Settings(drain_seconds=3.0), f"w{number % 2}-{number}", first.listener)
                )
                leaving.process.send_signal(signal.SIGTERM)
                assert leaving.process.wait(30) == 0, leaving.logged
                leaving.log.close()
                wait_for(partial(more_than, answers, number * 2600), seconds=120)
        assert len(answers) > 20_000
        assert {status for status, _ in answers} == {200}
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.wait(20)
            worker.log.close()
