"""Places and tokens over the workers of a node: never too many, none lost, whatever order things happen in."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from tests.serving.worker_process import wait_for

from headgate.errors import HeadgateError, Overloaded, TooManyRequests
from headgate.records import AccessKey, Limits
from headgate.serving import node_counts
from headgate.serving.admission import Gate, Gates, enter_all, leave_all
from headgate.serving.node_counts import NodeCounts
from headgate.serving.priority import HIGH, LOW, NORMAL

MOST = 3


def gate_of(counts: NodeCounts, most: int = 0, rate: float = 0.0, burst: int = 0) -> Gate:
    limits = Limits(concurrency=most, requests_per_second=rate, burst=burst)
    (gate,) = Gates(counts).of_endpoint("fraud", limits)
    return gate


def is_let_in(gate: Gate) -> bool:
    try:
        gate.enter()
    except HeadgateError:
        return False
    return True


class Accounting(RuleBasedStateMachine):
    """Workers that come, crash and go; each request that was let in leaves once, unless its worker has died."""

    workers = Bundle("workers")
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.pids = count(1)
        self.alive: set[int] = set()
        self.held: dict[int, int] = {}
        self.counts: dict[int, NodeCounts] = {}
        self.patches = [
            patch.object(node_counts, "is_alive", lambda slot: slot.pid in self.alive),
            patch.object(node_counts, "started_at", lambda pid: pid),
        ]
        for one in self.patches:
            one.start()

    def teardown(self) -> None:
        for one in self.patches:
            one.stop()
        self.folder.cleanup()

    @rule(target=workers)
    def join(self) -> object:
        if len(self.alive) >= 4:
            return multiple()
        pid = next(self.pids)
        self.counts[pid] = NodeCounts(Path(self.folder.name, "limits"), pid=pid)
        self.alive.add(pid)
        self.held[pid] = 0
        return (pid, gate_of(self.counts[pid], MOST))

    @rule(target=requests, worker=workers)
    def enter(self, worker: tuple[int, Gate]) -> object:
        pid, gate = worker
        if pid not in self.alive:
            return multiple()
        # at the next sweep at the latest
        self.counts[pid].look()
        total = sum(self.held[one] for one in self.alive)
        assert is_let_in(gate) == (total < MOST)
        if total >= MOST:
            return multiple()
        self.held[pid] += 1
        return worker

    @rule(worker=consumes(requests))
    def leave(self, worker: tuple[int, Gate]) -> None:
        pid, gate = worker
        if pid in self.alive:
            gate.leave()
            self.held[pid] -= 1

    @rule(worker=consumes(workers))
    def crash(self, worker: tuple[int, Gate]) -> None:
        self.alive.discard(worker[0])

    @rule(worker=consumes(workers))
    def close(self, worker: tuple[int, Gate]) -> None:
        pid, gate = worker
        if pid in self.alive:
            self.alive.discard(pid)
            self.counts[pid].close()
            # an answer that was still on its way
            gate.leave()

    @rule(worker=workers)
    def take_a_newer_table(self, worker: tuple[int, Gate]) -> None:
        pid, gate = worker
        if pid in self.alive:
            assert gate_of(self.counts[pid], MOST).in_use == gate.in_use == self.held[pid]

    @invariant()
    def nobody_holds_more_than_there_is(self) -> None:
        assert sum(self.held[pid] for pid in self.alive) <= MOST
        assert all(held >= 0 for held in self.held.values())


Accounting.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAccounting = Accounting.TestCase


def test_places_are_those_of_all_workers(tmp_path: Path) -> None:
    first, second = (gate_of(NodeCounts(tmp_path / "limits"), MOST) for _ in range(2))
    assert [is_let_in(gate) for gate in (first, second, first, second, first)] == [True, True, True, False, False]
    with pytest.raises(Overloaded, match="3 requests of the endpoint fraud") as caught:
        first.enter()
    assert caught.value.retry_after
    second.leave()
    assert is_let_in(first)


def test_tokens_are_those_of_all_workers(tmp_path: Path) -> None:
    first, second = (gate_of(NodeCounts(tmp_path / "limits"), rate=0.01, burst=4) for _ in range(2))
    let_in = [is_let_in(gate) for gate in (first, second, second, first, second, first)]
    assert let_in == [True, True, True, True, False, False]
    with pytest.raises(TooManyRequests) as caught:
        second.enter()
    assert 90 < (caught.value.retry_after or 0.0) <= 100


def test_a_worker_that_comes_later_finds_the_bucket_as_it_is(tmp_path: Path) -> None:
    first = gate_of(NodeCounts(tmp_path / "limits"), rate=0.01, burst=2)
    assert is_let_in(first)
    assert is_let_in(first)
    assert not is_let_in(gate_of(NodeCounts(tmp_path / "limits"), rate=0.01, burst=2))


def test_another_boot_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    old = gate_of(NodeCounts(path, boot=1), 1, rate=0.01, burst=1)
    assert is_let_in(old)
    assert not is_let_in(gate_of(NodeCounts(path, boot=1), 1, rate=0.01, burst=1))
    assert is_let_in(gate_of(NodeCounts(path, boot=2), 1, rate=0.01, burst=1))


@pytest.mark.parametrize("content", [b"", b"HGLIMT0\n" + bytes(100), b"\xff" * 5000])
def test_a_file_of_another_layout_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "limits").write_bytes(content)
    gate = gate_of(NodeCounts(tmp_path / "limits"), 1)
    assert [is_let_in(gate), is_let_in(gate)] == [True, False]


def test_without_a_file_each_worker_counts_for_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gate = gate_of(NodeCounts(tmp_path / "nowhere" / "limits"), 1, rate=0.01, burst=2)
    assert [is_let_in(gate), is_let_in(gate)] == [True, False]
    gate.leave()
    assert [is_let_in(gate), is_let_in(gate)] == [True, False]
    assert "as if it were alone" in caplog.text


def test_rows_that_nobody_needs_are_given_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counts = NodeCounts(tmp_path / "limits")
    rows = [counts.row(f"key {number}") for number in range(node_counts.ROWS)]
    assert len({row.own for row in rows}) == node_counts.ROWS
    rows[0].cells[rows[0].own + node_counts.IN_USE] = 1.0
    assert counts.row("one more").offset is None
    assert "each worker by itself" in caplog.text
    monkeypatch.setattr(node_counts, "FORGOTTEN_SECONDS", -1.0)
    # the first is held
    assert counts.row("one more") == rows[1]
    assert counts.row("key 0") == rows[0]


def test_a_refusal_gives_back_what_was_taken_before_it(tmp_path: Path) -> None:
    gates = Gates(NodeCounts(tmp_path / "limits"))
    own = gates.of_key(AccessKey(id="hg_a", sha256="", actor="ann", concurrency=2))
    passed = own + gates.of_endpoint("fraud", Limits(concurrency=1))
    enter_all(passed)
    with pytest.raises(Overloaded):
        enter_all(passed)
    assert [gate.in_use for gate in passed] == [1, 1]
    leave_all(passed)
    assert [gate.in_use for gate in passed] == [0, 0]


def test_a_key_that_asks_too_much_at_once_is_too_fast(tmp_path: Path) -> None:
    (gate,) = Gates(NodeCounts(tmp_path / "limits")).of_key(AccessKey(id="hg_a", sha256="", actor="ann", concurrency=1))
    gate.enter()
    with pytest.raises(TooManyRequests, match="key hg_a"):
        gate.enter()


class Waiting:
    """Where callers of a variant wait; one of them makes room when told to, and leaves by the gate."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.waiting: list[int] = []

    def displace(self, priority: int) -> bool:
        lower = [one for one in self.waiting if one > priority]
        if not lower:
            return False
        self.waiting.remove(max(lower))
        self.gate.leave()
        return True


def test_a_lower_class_makes_room_before_an_endpoint(tmp_path: Path) -> None:
    gate = gate_of(NodeCounts(tmp_path / "limits"), most=3)
    queues = [Waiting(gate), Waiting(gate)]
    for place, priority in enumerate((NORMAL, LOW, LOW)):
        gate.enter(priority, queues)
        queues[place % 2].waiting.append(priority)
    with pytest.raises(Overloaded):
        gate.enter(LOW, queues)
    for priority in (NORMAL, HIGH, HIGH):
        gate.enter(priority, queues)
    assert [queue.waiting for queue in queues] == [[], []]
    with pytest.raises(Overloaded):
        gate.enter(HIGH, queues)
    assert gate.in_use == 3


def test_a_keys_own_limits_know_no_class(tmp_path: Path) -> None:
    key = AccessKey(id="hg_a", sha256="", actor="ann", concurrency=2, requests_per_second=0.01)
    (gate,) = Gates(NodeCounts(tmp_path / "limits")).of_key(key)
    other = Waiting(gate)
    gate.enter(LOW, [other])
    other.waiting = [LOW]
    with pytest.raises(TooManyRequests):
        gate.enter(HIGH, [other])
    assert other.waiting == [LOW]


def test_the_rate_of_an_endpoint_is_closed_to_lower_classes_first(tmp_path: Path) -> None:
    gate = gate_of(NodeCounts(tmp_path / "limits"), rate=0.001, burst=4)

    def let_in(priority: int) -> int:
        entered = 0
        while True:
            try:
                gate.enter(priority)
            except TooManyRequests:
                return entered
            entered += 1

    assert [let_in(priority) for priority in (LOW, NORMAL, HIGH, NORMAL)] == [2, 2, 2, 0]


def test_a_gate_stays_while_its_limits_do(tmp_path: Path) -> None:
    gates = Gates(NodeCounts(tmp_path / "limits"))
    first = gates.of_endpoint("fraud", Limits(concurrency=2))
    first[0].enter()
    assert gates.of_endpoint("fraud", Limits(concurrency=2, timeout_ms=5))[0] is first[0]
    second = gates.of_endpoint("fraud", Limits(concurrency=1))
    assert not is_let_in(second[0])
    # whoever was let in by the old gate leaves by it
    leave_all(first)
    assert is_let_in(second[0])


def test_without_limits_there_is_no_gate(tmp_path: Path) -> None:
    gates = Gates(NodeCounts(tmp_path / "limits"))
    assert gates.of_endpoint("fraud", Limits(concurrency=0)) == ()
    assert gates.of_key(AccessKey(id="hg_a", sha256="", actor="ann")) == ()


GREEDY = """
import json, select, sys, time
from pathlib import Path
from headgate.errors import HeadgateError
from headgate.records import Limits
from headgate.serving.admission import Gates
from headgate.serving.node_counts import NodeCounts

gates = Gates(NodeCounts(Path(sys.argv[1])))
(gate,) = gates.of_endpoint("fraud", Limits(**json.loads(sys.argv[2])))
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    gates.sweep()
sys.stdin.readline()
swept = begun = time.monotonic()
times = []
while time.monotonic() < begun + float(sys.argv[3]):
    try:
        gate.enter()
        times.append(time.monotonic())
    except HeadgateError:
        pass
    if time.monotonic() > swept + 0.25:
        gates.sweep()
        swept = time.monotonic()
print(json.dumps(times), flush=True)
sys.stdin.readline()
"""

Greedy = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def greedy(tmp_path: Path) -> Iterator[Greedy]:
    """Start processes that take all they are given, and hold it."""
    started: list[subprocess.Popen[str]] = []

    def begin(seconds: float = 0.3, **limits: float) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", GREEDY, str(tmp_path / "limits"), json.dumps(limits), str(seconds)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "ready\n"
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def taken(process: "subprocess.Popen[str]") -> list[float]:
    assert process.stdout is not None
    found: list[float] = json.loads(process.stdout.readline())
    return found


def test_processes_share_the_places_and_the_dead_hold_none(tmp_path: Path, greedy: Greedy) -> None:
    processes = [greedy(concurrency=50) for _ in range(3)]
    for process in processes:
        go(process)
    held = [len(taken(process)) for process in processes]
    # somebody gets each of them: whoever steps back tries again
    assert sum(held) == 50
    counts = NodeCounts(tmp_path / "limits")
    gate = gate_of(counts, 50)
    assert not is_let_in(gate)
    victim = held.index(max(held))
    processes[victim].send_signal(signal.SIGKILL)
    processes[victim].wait()

    def is_free() -> bool:
        counts.look()
        return is_let_in(gate)

    wait_for(is_free)
    assert sum(is_let_in(gate) for _ in range(60)) == held[victim] - 1


def test_processes_share_a_rate(greedy: Greedy) -> None:
    rate, burst, seconds = 200.0, 200, 1.5
    processes = [greedy(seconds, concurrency=0, requests_per_second=rate, burst=burst) for _ in range(3)]
    for process in processes:
        go(process)
    times = sorted(moment for process in processes for moment in taken(process))
    span = times[-1] - times[0]
    assert len(times) <= burst + rate * (span + 0.25) + 2 + 1
    # and what there was: a second in which a busy machine lets none of them run is saved up
    assert len(times) > burst + rate * span * 0.5
