"""The measurements run from end to end, count what is wrong, and name what is missing."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.cases import TINY
from benchmarks.contender import Command, Contender, NotAvailable, Place
from benchmarks.contenders import BARE, CONTENDERS, HEADGATE, LINEAR_CONTENDERS, OIP, OIP_BINARY
from benchmarks.forest import make_forest
from benchmarks.load import drive
from benchmarks.open_loop import Plan, observe
from benchmarks.report import render
from benchmarks.results import Machine, Result, load, save
from benchmarks.rounds import measure_group
from benchmarks.run import measure_all
from benchmarks.swaps import own_signing_key

QUICKLY = [each for each in CONTENDERS if each.name in (HEADGATE, OIP, OIP_BINARY, BARE, "constant")]
MACHINE = Machine(cores=2, processor="any", memory=4, python="3.11", driver="own client", load=0.1, versions={})
WRONG = """
import http.server, json, sys

class Wrong(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def do_POST(self):
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
        # right for the first row of all, by which one sees that it runs, and wrong for the others
        label = 0 if rows[0] == json.loads(sys.argv[2]) else 7
        body = json.dumps({"predictions": [label] * len(rows)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Wrong).serve_forever()
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("bench")
    with own_signing_key(folder):
        yield Place(folder, make_forest(folder / "model", trees=5))


def refused(place: Place, port: int) -> Command:
    raise NotAvailable("did not install: there is no such package")


def ending(place: Place, port: int) -> Command:
    return Command([sys.executable, "-c", "raise SystemExit('the library is too old')"])


def answering_wrong(place: Place, port: int) -> Command:
    return Command([sys.executable, "-c", WRONG, str(port), json.dumps(place.forest.rows[0])])


def test_contenders_are_measured_side_by_side(place: Place, tmp_path: Path) -> None:
    missing = [Contender("refused", "r", "nothing", refused, "/"), Contender("ending", "e", "nothing", ending, "/")]
    found = {each.name: each for each in measure_group([*QUICKLY, *missing], place, TINY)}
    for each in QUICKLY:
        seen = found[each.name]
        assert (len(seen.cases), len(seen.open_loop)) == (len(each.bodies), 1)
        assert seen.wrong == 0
        assert seen.checked > 30
        assert all(case.errors == 0 and case.rate > 0 and case.ratio > 0 for case in seen.cases)
        assert seen.memory > 1
    assert [case.ratio for case in found[BARE].cases] == [1, 1]
    assert found[HEADGATE].processes >= 2
    assert found["refused"].missing == "did not install: there is no such package"
    assert "the library is too old" in found["ending"].missing

    result = Result(effort="tiny", machine=MACHINE, contenders=list(found.values()))
    save(result, tmp_path / "result.json")
    page = render(load(tmp_path / "result.json"))
    assert "there is no such package" in page
    assert "| constant | nothing |" in page


def test_wrong_answers_are_counted(place: Place) -> None:
    bare = next(each for each in CONTENDERS if each.name == BARE)
    liar = Contender("liar", "answers wrong", "nothing", answering_wrong, "/", {"instances": bare.bodies["instances"]})
    found = measure_group([liar], place, TINY, beside=bare)
    assert [each.name for each in found] == ["liar"]
    # seven of the eight questions, before the load and after it
    assert found[0].wrong >= 14
    assert [(case.form, case.rows) for case in found[0].cases] == [("instances", 1)]


def test_the_open_loop_counts_what_had_to_wait() -> None:
    """A server that stops for a while makes every request late that was due meanwhile, not one per connection."""
    rate, stop, connections = 200, 0.5, 2
    with slow_server(stop) as port:
        seen = observe(
            Plan(port=port, path="/", bodies=[b"{}"], labels=[[1]], rate=rate, seconds=1.5, connections=connections)
        )
    assert (seen.answered, seen.errors, seen.wrong) == (300, 0, 0)
    assert seen.worst >= stop * 1e6
    # a hundred were due while it stood still: more than the hundredth part of all
    assert seen.p99 >= stop * 1e6 * 0.8


def test_own_client_counts_refusals() -> None:
    with slow_server(0, status="503 Full") as port:
        measured = drive(port, "/", b"{}", 2, 0.1)
    assert measured.errors == measured.requests > 0


@pytest.mark.heavy
def test_a_whole_run() -> None:
    kept: list[Result] = []
    result = measure_all("tiny", TINY, kept.append, peers=False, contenders=QUICKLY, linear=LINEAR_CONTENDERS)
    assert kept[-1] == result
    assert result.swap is not None
    assert (result.swap.during.errors, result.swap.during.wrong) == (0, 0)
    assert result.swap.swaps >= TINY.swaps
    assert result.start is not None
    assert len(result.start.compiled) == len(result.start.raw) == 1
    assert set(result.stages) == {"1", "100"}
    page = render(result)
    for title in ("Promised and measured", "Swaps", "Where the time goes"):
        assert f"## {title}" in page


class slow_server:
    """Answers at once, but for one stop after the tenth request."""

    def __init__(self, stop: float, status: str = "200 OK") -> None:
        self._stop = stop
        self._answer = f'HTTP/1.1 {status}\r\nContent-Length: 19\r\n\r\n{{"predictions": [1]}}'.encode()
        self._answer = self._answer.replace(b": 19", b": %d" % len(self._answer.split(b"\r\n\r\n")[1]))
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._taken = 0
        self.port = 0

    def __enter__(self) -> int:
        self._thread.start()
        assert self._ready.wait(10)
        return self.port

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"{}"):
                self._taken += 1
                if self._taken == 10 and self._stop:
                    # the whole server stands still, as one does that collects garbage
                    time.sleep(self._stop)
                writer.write(self._answer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()
