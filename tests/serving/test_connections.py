"""Even shares of connections over real processes, and what happens when one hangs, dies, stops or runs out."""

import asyncio
import inspect
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
import uvloop

from headgate.serving.connection_counts import SLOTS, ConnectionCounts
from headgate.serving.connections import STEPS_BACK, Acceptor

WORKERS = 2
PATIENCE = 20.0


class Node:
    """Some accepting processes on one listening socket."""

    def __init__(self, folder: Path) -> None:
        self.counts = folder / "connections.mmap"
        self._stack = ExitStack()
        self.listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, descriptors: int | None = None) -> int:
        """One more; its pid."""
        number = self.listener.fileno()
        limit = [] if descriptors is None else [str(descriptors)]
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.serving.accepting_process", str(number), self.counts, *limit],
            stdout=subprocess.PIPE,
            pass_fds=[number],
        )
        self.workers.append(worker)
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
        return worker.pid

    def connect(self) -> socket.socket:
        """A connection that nobody may have accepted yet."""
        return self._stack.enter_context(socket.create_connection(self.listener.getsockname(), timeout=PATIENCE))

    def hold(self, count: int) -> list[tuple[socket.socket, int]]:
        """So many new connections at once, each with the pid of its worker."""
        connections = [self.connect() for _ in range(count)]
        return [(connection, owner(connection)) for connection in connections]

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()
        self._stack.close()


def owner(connection: socket.socket) -> int:
    line = connection.recv(64)
    assert line, "an accepted connection was dropped"
    return int(line)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.close()


def assert_even(pids: list[int], workers: int = WORKERS) -> None:
    shares = Counter(pids)
    assert len(shares) == workers
    # 40 to 60 % for two
    for count in shares.values():
        assert 0.8 / workers <= count / len(pids) <= 1.2 / workers, shares


def test_a_burst_is_shared_evenly_time_and_again(node: Node) -> None:
    for _ in range(WORKERS):
        node.start()
    for _ in range(10):
        held = node.hold(32)
        assert_even([pid for _, pid in held])
        for connection, _ in held:
            connection.close()
        wait_for_empty(node)


def test_connections_that_come_one_by_one_are_shared_evenly(node: Node) -> None:
    for _ in range(WORKERS):
        node.start()
    assert_even([node.hold(1)[0][1] for _ in range(32)])


def test_shares_stay_even_while_connections_come_and_go(node: Node) -> None:
    for _ in range(WORKERS):
        node.start()
    held = node.hold(32)
    for number in range(200):
        held.pop(number * 7 % len(held))[0].close()
        held += node.hold(1)
    assert_even([pid for _, pid in held])


def test_three_workers_share_evenly(node: Node) -> None:
    for _ in range(3):
        node.start()
    assert_even([pid for _, pid in node.hold(60)], workers=3)


def test_one_worker_takes_them_all(node: Node) -> None:
    pid = node.start()
    assert {owner_pid for _, owner_pid in node.hold(50)} == {pid}


def test_a_worker_that_comes_later_gets_what_comes_later(node: Node) -> None:
    first = node.start()
    node.hold(20)
    second = node.start()
    pids = [pid for _, pid in node.hold(20)]
    assert pids.count(second) > pids.count(first)


def test_a_sibling_that_is_kept_waiting_for_a_processor_keeps_its_share(node: Node) -> None:
    first = node.start()
    node.hold(20)
    second = node.start()
    os.kill(second, signal.SIGSTOP)
    connections = [node.connect() for _ in range(20)]
    # a few slices of a scheduler that has others to run
    time.sleep(0.04)
    os.kill(second, signal.SIGCONT)
    pids = [owner(connection) for connection in connections]
    assert pids.count(second) > pids.count(first)


def test_a_hung_sibling_blocks_nobody(node: Node) -> None:
    working, hung = node.start(), node.start()
    node.hold(8)
    os.kill(hung, signal.SIGSTOP)
    pids = [pid for _, pid in node.hold(200)]
    assert set(pids) == {working}
    os.kill(hung, signal.SIGCONT)
    assert hung in [pid for _, pid in node.hold(50)]


def test_a_dead_sibling_has_no_share(node: Node) -> None:
    living, dead = node.start(), node.start()
    node.hold(16)
    os.kill(dead, signal.SIGKILL)
    node.workers[1].wait()
    assert {pid for _, pid in node.hold(40)} == {living}
    # its place is taken again by a new worker
    new = node.start()
    assert new in {pid for _, pid in node.hold(40)}


def test_a_worker_that_stops_keeps_its_connections_and_takes_no_more(node: Node) -> None:
    stays, stops = node.start(), node.start()
    held = [connection for connection, pid in node.hold(20) if pid == stops]
    os.kill(stops, signal.SIGUSR1)
    # until the signal was handled it may still take some
    deadline = time.monotonic() + PATIENCE
    while {pid for _, pid in node.hold(8)} != {stays}:
        assert time.monotonic() < deadline
    assert {pid for _, pid in node.hold(40)} == {stays}
    for connection in held:
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)


def test_out_of_descriptors_it_waits_and_goes_on(node: Node) -> None:
    pid = node.start(descriptors=40)
    connections = [node.connect() for _ in range(60)]
    time.sleep(0.5)
    served = [connection for connection in connections if is_served(connection)]
    assert 0 < len(served) < 60
    before = cpu_ticks(pid)
    time.sleep(0.5)
    assert cpu_ticks(pid) - before < 25, "it spins"
    for connection in served:
        connection.close()
    waiting = [connection for connection in connections if connection not in served]
    # those in the queue get their turn, none is lost
    for connection in waiting[:10]:
        connection.settimeout(PATIENCE)
        assert owner(connection) == pid


def is_served(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return owner(connection) > 0
    except BlockingIOError:
        return False


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def wait_for_empty(node: Node) -> None:
    watching = ConnectionCounts(node.counts, look_seconds=0.0)
    deadline = time.monotonic() + PATIENCE
    while watching.open_elsewhere() != [0] * len(node.workers):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    watching.close()


class Counting(asyncio.Protocol):
    """Holds its connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.hang_up = transport.close


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_one_connection_per_wake_up(node: Node, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def run() -> None:
        counts = ConnectionCounts(node.counts)
        loop = asyncio.get_running_loop()
        clients = [node.connect() for _ in range(3)]
        served: list[Counting] = []

        def serve() -> Counting:
            served.append(Counting())
            return served[-1]

        acceptor = Acceptor(loop, node.listener, counts, serve)
        acceptor.start()
        for expected in (1, 2, 3):
            while acceptor.open < expected:
                await asyncio.sleep(0)
            assert acceptor.open == expected
        acceptor.stop()
        await acceptor.settled(1.0)
        assert counts.accepted == len(served) == len(clients)
        for protocol in served:
            protocol.hang_up()
        await asyncio.sleep(0.01)
        counts.close()

    loop = new_loop()
    loop.run_until_complete(run())
    loop.close()


def test_a_connection_that_cannot_be_served_is_not_counted_for_ever(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> asyncio.Protocol:
        raise OSError("gone")

    async def run() -> None:
        counts = ConnectionCounts(node.counts)
        acceptor = Acceptor(asyncio.get_running_loop(), node.listener, counts, fail)
        acceptor.start()
        client = node.connect()
        while not counts.accepted:
            await asyncio.sleep(0)
        await acceptor.settled(1.0)
        assert counts.open == 0
        assert client.recv(1) == b""
        acceptor.stop()
        counts.close()

    uvloop.run(run())
    assert "could not be served" in caplog.text


def test_a_share_is_the_mean_and_a_little(tmp_path: Path) -> None:
    mine, other = (ConnectionCounts(tmp_path / "counts", look_seconds=0.0) for _ in range(2))
    for counts in (mine, other):
        counts.join()
    for opened, elsewhere, over in [(1, 0, False), (3, 0, True), (10, 8, False), (11, 8, True), (104, 100, False)]:
        for counts, wanted in ((mine, opened), (other, elsewhere)):
            while counts.open < wanted:
                counts.opened()
            while counts.open > wanted:
                counts.closed()
        assert mine.over_share() is over, (opened, elsewhere)
    other.leave()
    assert not mine.over_share(), "who takes no more has no share"
    for counts in (mine, other):
        counts.close()


def test_a_new_worker_has_its_share_at_once(tmp_path: Path) -> None:
    first = ConnectionCounts(tmp_path / "counts", look_seconds=3600.0)
    first.join()
    for _ in range(20):
        first.opened()
    assert not first.over_share()
    second = ConnectionCounts(tmp_path / "counts")
    second.join()
    assert first.open_elsewhere() == [0]
    assert first.over_share()
    second.close()
    assert not first.over_share()
    first.close()


def test_a_worker_without_the_file_works_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    counts = ConnectionCounts(tmp_path / "counts")
    counts.join()
    counts.opened()
    assert not counts.over_share()
    assert "as if it were alone" in caplog.text
    counts.close()


def test_more_workers_than_places_work_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    crowd = [ConnectionCounts(tmp_path / "counts") for _ in range(SLOTS + 1)]
    assert "places are taken" in caplog.text
    crowd[-1].opened()
    assert not crowd[-1].over_share()
    for counts in crowd:
        counts.close()


class SteppedLoop:
    """An event loop that only remembers what it was asked."""

    def __init__(self) -> None:
        self.reader: Callable[[], None] | None = None
        self.timer: Callable[[], None] | None = None
        self.pauses = 0

    def add_reader(self, _: object, reader: Callable[[], None]) -> None:
        self.reader = reader

    def remove_reader(self, _: object) -> None:
        self.reader = None

    def call_later(self, _: float, timer: Callable[[], None]) -> None:
        self.pauses += 1
        self.timer = timer

    def create_task(self, coroutine: Coroutine[Any, Any, None]) -> Future[None]:
        inspect.getcoroutinelocals(coroutine)["connection"].close()
        coroutine.close()
        return Future()

    def wake(self) -> int:
        """Let the acceptor come back to a connection that waits until it takes it; how often it stepped back."""
        before = self.pauses
        while self.reader is not None:
            self.reader()
            timer, self.timer = self.timer, None
            if timer is None:
                break
            timer()
        return self.pauses - before


class Greedy(ConnectionCounts):
    """Always over its share; what the others accepted is up to the test."""

    elsewhere = 0

    def over_share(self) -> bool:
        return True

    def accepted_elsewhere(self) -> int:
        return self.elsewhere


def test_who_hangs_is_waited_for_once(node: Node) -> None:
    loop, counts = SteppedLoop(), Greedy(node.counts)
    acceptor = Acceptor(cast("asyncio.AbstractEventLoop", loop), node.listener, counts, asyncio.Protocol)
    acceptor.start()
    for _ in range(3):
        node.connect()
    assert loop.wake() == STEPS_BACK
    assert loop.wake() == 0
    counts.elsewhere += 1
    assert loop.wake() == STEPS_BACK
    assert counts.accepted == 3
    acceptor.stop()
    counts.close()
