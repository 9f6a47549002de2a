"""The loop of a host, stepped by hand: what it groups, whom it fails, what it skips."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from headgate.errors import ModelError
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.traces import RowsTrace, traces
from headgate.serving.hosts import host as host_module
from headgate.serving.hosts.child import listen
from headgate.serving.hosts.host import CALL_SECONDS, HANG_SECONDS, Host
from headgate.serving.hosts.wire import Frames, Reply, decode_reply, encode_call, encode_cancel
from headgate.serving.priority import HIGH, LOW, NORMAL
from headgate.serving.trace import Trace
from headgate.serving.waiting_time import BATCH_SECONDS
from headgate.testing.zoo import FEATURES, build_zoo

LATER = 1e12
POISON = 666.0


class Doubling:
    """Answers twice the second column; remembers the rows of each call."""

    device = "cpu"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.traces: list[Sequence[RowsTrace]] = []
        self.error: type[BaseException] = ModelError

    def predict(self, batch: Batch) -> Outputs:
        self.calls.append(batch.rows)
        self.traces.append(traces())
        values: Array = np.asarray(batch.columns["value"], dtype=np.float64)
        if (values == POISON).any():
            raise self.error("poison")
        return {"predictions": np.where(values == -POISON, np.nan, values * 2)}

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        yield self.predict(batch)

    def close(self) -> None: ...


class Worker:
    """The other end of a host's socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(10)
        self._frames = Frames()
        self._replies: list[Reply] = []

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def reply(self) -> Reply:
        while not self._replies:
            data = self.socket.recv(1 << 20)
            assert data, "the host hung up"
            self._replies += [decode_reply(frame) for frame in self._frames.feed(data)]
        return self._replies.pop(0)

    def value(self) -> float:
        reply = self.reply()
        assert reply.ok, reply
        return float(reply.arrays()["predictions"][0])


class Stage:
    """A host on a socket, with its model in view."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "h.sock"
        self.model = Doubling()
        self.watched: list[float] = []
        manifest = build_zoo(folder).manifest
        self.host = Host(self.model, manifest, listen(self.path), max_rows=10, watchdog=self.watched.append)
        self._workers: list[Worker] = []

    def worker(self) -> Worker:
        """One that the host has accepted."""
        worker = self.stranger()
        self.host.step()
        return worker

    def stranger(self) -> Worker:
        """One that the host has not seen yet."""
        self._workers.append(Worker(self.path))
        return self._workers[-1]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The host on its own for a while; it has left in the end."""
        woken, waker = socket.socketpair()
        self.host.wake_on(woken)
        thread = threading.Thread(target=self.host.serve)
        thread.start()
        yield
        self.host.leave()
        waker.send(b"x")
        self.hang_up()
        thread.join(10)
        assert not thread.is_alive()
        woken.close()
        waker.close()

    def hang_up(self) -> None:
        for worker in self._workers:
            worker.socket.close()

    def close(self) -> None:
        self.hang_up()
        self.host.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


def ask(
    number: int,
    *values: float,
    deadline: float = LATER,
    priority: int = NORMAL,
    alone: bool = False,
    trace: Trace | None = None,
) -> bytes:
    matrix = np.array([[0.0, value] for value in values])
    return encode_call(number, Batch(FEATURES, matrix=matrix), deadline, priority, alone=alone, trace=trace)


def test_calls_of_all_workers_share_one_model_call(stage: Stage) -> None:
    first, second = stage.worker(), stage.worker()
    first.send(ask(1, 1.0), ask(2, 2.0, 3.0))
    second.send(ask(1, 4.0))
    stage.host.step()
    assert stage.model.calls == [4]
    assert first.value() == 2.0
    assert first.reply().arrays()["predictions"].tolist() == [4.0, 6.0]
    assert second.value() == 8.0


def test_the_model_sees_whose_traces_its_rows_are_in(stage: Stage) -> None:
    worker = stage.worker()
    first, second = (Trace(digit * 32, "b" * 16, "", sampled=True, state=f"v={digit}") for digit in "12")
    worker.send(ask(1, 1.0), ask(2, 2.0, 3.0, trace=first), ask(3, 4.0), ask(4, 5.0, trace=second))
    stage.host.step()
    expected = [RowsTrace(1, 3, first.parent, "v=1"), RowsTrace(4, 5, second.parent, "v=2")]
    assert list(stage.model.traces[0]) == expected
    assert not traces(), "only while the model answers"
    worker.send(ask(5, POISON), ask(6, 6.0, trace=second))
    stage.host.step()
    # halved: each half with its own
    assert [list(seen) for seen in stage.model.traces[1:]] == [
        [RowsTrace(1, 2, second.parent, "v=2")], [], [RowsTrace(0, 1, second.parent, "v=2")]
    ]  # fmt: skip
    worker.send(ask(7, 7.0))
    stage.host.step()
    assert not stage.model.traces[-1]


def test_one_caller_of_each_batch_is_told_how_large_it_was(stage: Stage) -> None:
    workers = [stage.worker(), stage.worker()]
    for number, worker in enumerate(workers):
        worker.send(ask(number, 1.0, 2.0))
    stage.host.step()
    assert [worker.reply().batch_rows for worker in workers] == [4, 0]


def test_a_call_goes_out_at_once_when_it_is_the_only_one(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(ask(1, 1.0))
    stage.host.step()
    assert stage.model.calls == [1]
    assert worker.value() == 2.0


def test_a_batch_stays_within_the_limit_and_one_large_call_is_never_split(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(*(ask(number, *[1.0] * 4) for number in range(5)), ask(9, *[1.0] * 30))
    for _ in range(4):
        stage.host.step()
    assert stage.model.calls == [8, 8, 4, 30]


def test_higher_classes_go_first(stage: Stage) -> None:
    worker = stage.worker()
    classes = {1: NORMAL, 2: LOW, 3: NORMAL, 4: HIGH, 5: HIGH}
    worker.send(*(ask(number, *[1.0] * 8, priority=priority) for number, priority in classes.items()))
    for _ in classes:
        stage.host.step()
    assert [worker.reply().id for _ in classes] == [4, 5, 1, 3, 2]


def test_a_batch_is_no_longer_than_others_may_wait(stage: Stage) -> None:
    worker = stage.worker()
    for rows in (1, 2, 4, 8):
        stage.host.cost.learn(rows, rows * BATCH_SECONDS / 5.5)
    worker.send(*(ask(number, 1.0) for number in range(10)))
    stage.host.step()
    assert stage.model.calls == [5]


def test_other_columns_make_another_model_call(stage: Stage) -> None:
    worker = stage.worker()
    columns: dict[str, Array] = {"fault": np.zeros(1), "value": np.array([5], dtype=np.int32)}
    worker.send(ask(1, 1.0), encode_call(2, Batch(FEATURES, columns=columns), LATER), ask(3, 3.0))
    stage.host.step()
    stage.host.step()
    assert stage.model.calls == [2, 1]
    assert [worker.reply().id for _ in range(3)] == [1, 3, 2]


@pytest.mark.parametrize("error", [ModelError, ValueError, SystemExit, MemoryError])
def test_only_the_caller_whose_rows_fail_fails(stage: Stage, error: type[BaseException]) -> None:
    stage.model.error = error
    worker = stage.worker()
    worker.send(ask(1, 1.0), ask(2, POISON), ask(3, 3.0))
    stage.host.step()
    assert stage.model.calls == [3, 1, 2, 1, 1]
    replies = {reply.id: reply for reply in (worker.reply() for _ in range(3))}
    assert [replies[number].ok for number in (1, 2, 3)] == [True, False, True]
    assert replies[2].code == "MODEL_ERROR" and "poison" in replies[2].error


def test_only_the_caller_whose_answer_is_nan_fails(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(ask(1, 1.0), ask(2, -POISON))
    stage.host.step()
    replies = {reply.id: reply for reply in (worker.reply(), worker.reply())}
    assert replies[1].ok and replies[2].code == "MODEL_OUTPUT_INVALID"


def test_a_call_marked_alone_shares_nothing_and_is_told_that_it_begins(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(ask(1, 1.0), ask(2, 2.0, alone=True), ask(3, 3.0))
    stage.host.step()
    stage.host.step()
    assert stage.model.calls == [2, 1]
    assert [worker.reply().id for _ in range(2)] == [1, 3]
    begins = worker.reply()
    assert begins.id == 2 and begins.started and begins.ok is None
    assert worker.value() == 4.0


def test_what_is_cancelled_or_late_never_reaches_the_model(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(ask(1, 1.0), ask(2, 2.0), encode_cancel(1), ask(3, 3.0, deadline=time.monotonic() - 1))
    stage.host.step()
    assert stage.model.calls == [1]
    replies = {reply.id: reply for reply in (worker.reply() for _ in range(3))}
    assert replies[1].code == "CANCELLED" and replies[3].code == "DEADLINE_EXCEEDED" and replies[2].ok


def test_calls_of_a_worker_that_is_gone_are_dropped(stage: Stage) -> None:
    gone = stage.worker()
    gone.send(*(ask(number, *[1.0] * 4) for number in range(4)))
    stage.host.step()
    gone.socket.close()
    stage.host.step()
    assert stage.model.calls == [8]


@pytest.mark.parametrize(
    "garbage", [b"\xff\xff\xff\xff", b"\x03\x00\x00\x00abc", (5).to_bytes(4, "little") + b"\x81\xa2id\x01"]
)
def test_a_worker_that_sends_garbage_is_let_go_alone(stage: Stage, garbage: bytes) -> None:
    bad, good = stage.worker(), stage.worker()
    bad.send(garbage)
    stage.host.step()
    assert bad.socket.recv(10) == b""
    good.send(ask(1, 1.0))
    stage.host.step()
    assert good.value() == 2.0


def test_rows_that_do_not_fit_the_model_fail_their_caller_only(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(encode_call(1, Batch(("one",), matrix=np.zeros((2, 1))), LATER), ask(2, 2.0))
    stage.host.step()
    replies = {reply.id: reply for reply in (worker.reply(), worker.reply())}
    assert replies[1].code == "MALFORMED" and replies[2].ok


def test_a_worker_that_does_not_read_holds_nobody_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "_UNSENT_BYTES", 1 << 20)
    silent, other = stage.worker(), stage.worker()
    with pytest.raises(OSError, match="Broken pipe|reset"):
        for number in range(1000):
            silent.send(ask(number, *[1.0] * 2000))
            stage.host.step()
    other.send(ask(1, 1.0))
    stage.host.step()
    assert other.value() == 2.0


def test_answers_too_large_for_the_socket_arrive_whole(stage: Stage) -> None:
    values = np.linspace(1.0, 2.0, 200_000)
    with stage.serving():
        worker = stage.stranger()
        sending = threading.Thread(target=lambda: worker.send(ask(1, *values), ask(2, 1.0)))
        sending.start()
        replies = [worker.reply(), worker.reply()]
        sending.join()
    assert replies[0].arrays()["predictions"].tolist() == (values * 2).tolist()
    assert replies[1].ok


def test_the_watchdog_is_set_for_each_call_and_called_off(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(ask(1, 1.0, deadline=time.monotonic() + 20), ask(2, POISON, deadline=time.monotonic() + 40))
    stage.host.step()
    assert 35 < stage.watched[0] < 42
    assert stage.watched[1::2] == [0, 0, 0]


def test_a_call_may_not_take_longer_than_the_hosts_own_limit(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(ask(1, 1.0, deadline=time.monotonic() + 5000))
    stage.host.step()
    assert stage.watched == [CALL_SECONDS + HANG_SECONDS, 0]


@pytest.mark.parametrize("bad", [1, 3])
def test_few_calls_find_the_bad_among_many(tmp_path: Path, bad: int) -> None:
    stage = Stage(tmp_path)
    stage.host._max_rows = 64
    worker = stage.worker()
    spoilt = set(range(5, 64, 20)[:bad])
    worker.send(*(ask(number, POISON if number in spoilt else 1.0) for number in range(64)))
    stage.host.step()
    replies = [worker.reply() for _ in range(64)]
    assert {reply.id for reply in replies if not reply.ok} == spoilt
    # 1 + 2·log2(64) calls for one
    assert len(stage.model.calls) <= 1 + 12 * bad
    stage.close()


def test_a_host_that_leaves_answers_what_it_has_and_tells_its_workers(stage: Stage) -> None:
    worker = stage.worker()
    worker.send(ask(1, 1.0))
    stage.host.leave()
    with stage.serving():
        replies = [worker.reply(), worker.reply()]
        assert replies[0].leaving and replies[1].ok
        with pytest.raises(OSError, match="refused"):
            stage.stranger()


def test_a_host_that_leaves_answers_all_that_it_has(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "LEAVE_SECONDS", 0.0)
    worker = stage.worker()
    worker.send(*(ask(number, float(number), alone=True) for number in range(3)), ask(3, 1.0, deadline=0.0))
    stage.host.step()
    stage.host.leave()
    stage.host.serve()
    replies = [reply for reply in [worker.reply() for _ in range(8)] if not reply.started and not reply.leaving]
    assert [(reply.id, reply.ok) for reply in replies] == [(0, True), (1, True), (2, True), (3, False)]


def test_a_host_that_leaves_does_not_wait_for_a_worker_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "LEAVE_SECONDS", 0.05)
    worker = stage.worker()
    stage.host.leave()
    stage.host.serve()
    assert worker.reply().leaving


def test_calls_beyond_the_queue_wait_in_the_socket(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "_QUEUED", 3)
    monkeypatch.setattr(host_module, "_READ_BYTES", 256)
    worker = stage.worker()
    worker.send(*(ask(number, float(number)) for number in range(50)))
    while sum(stage.model.calls) < 50:
        stage.host.step()
    assert [worker.value() for _ in range(50)] == [number * 2.0 for number in range(50)]
    assert max(stage.model.calls) <= 10
