"""One worker with everything on against the bare server, side by side in one run: only ratios mean anything.

Every form of request is checked on both before it is timed. Rounds alternate between the two, so that what else the
machine does falls on both; the table shows medians.
"""

import json
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.forest import ENDPOINT, Forest, make_forest
from benchmarks.load import Measured, drive
from benchmarks.servers import Server, bare_server, headgate_worker
from headgate.home import Home


class Case(NamedTuple):
    """One line of the table."""

    form: str  # instances or rows
    rows: int
    connections: int


CASES = [
    Case(form, rows, connections) for form in ("instances", "rows") for rows in (1, 100) for connections in (1, 32)
]


class Round(NamedTuple):
    """One run of one server."""

    measured: Measured
    cpu: float  # microseconds of the server's CPU time per request


def body_of(forest: Forest, case: Case) -> bytes:
    rows = forest.rows[: case.rows]
    if case.form == "instances":
        return json.dumps({"instances": rows}).encode()
    return json.dumps({"rows": [dict(zip(forest.names, row, strict=True)) for row in rows]}).encode()


def check(server: Server, body: bytes, labels: list[int]) -> None:
    """The server answers what the model says; raises RuntimeError otherwise."""
    request = urllib.request.Request(server.url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        answer: dict[str, Any] = json.load(response)
    if answer["predictions"] != labels:
        raise RuntimeError(f"{server.name} answered {answer['predictions']}, expected {labels}")


def run(server: Server, body: bytes, connections: int, seconds: int) -> Round:
    before = server.cpu_seconds
    measured = drive(server.url, body, connections, seconds)
    return Round(measured, (server.cpu_seconds - before) / measured.requests * 1e6)


def compare(ours: Server, bare: Server, forest: Forest, case: Case, rounds: int, seconds: int) -> str:
    """One line: both servers' medians and their ratios."""
    body = body_of(forest, case)
    for server in (ours, bare):
        check(server, body, forest.labels[: case.rows])
        run(server, body, case.connections, 1)
    pairs = [
        (run(ours, body, case.connections, seconds), run(bare, body, case.connections, seconds)) for _ in range(rounds)
    ]
    rate = statistics.median(left.measured.rate / right.measured.rate for left, right in pairs)
    cpu = statistics.median(right.cpu / left.cpu for left, right in pairs)
    cells = [f"{case.rows:>4} {case.form:<9} c={case.connections:<3}"]
    for place in (0, 1):
        runs = [pair[place].measured for pair in pairs]
        rate_of, p50, p99 = (statistics.median(column) for column in zip(*(found[:3] for found in runs), strict=True))
        cells.append(f"{rate_of:>8,.0f}/s {p50 / 1e3:>7.3f} {p99 / 1e3:>7.3f} ms")
    return " | ".join([*cells, f"{rate:.2f}", f"{cpu:.2f}"])


def table(rounds: int, seconds: int) -> Iterator[str]:
    """The lines of the comparison, as they are measured."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Home(Path(folder) / "home").create()
        forest = make_forest(home)
        ours = stack.enter_context(headgate_worker(home, ENDPOINT))
        bare = {
            form: stack.enter_context(bare_server(forest.model, form, forest.names)) for form in ("instances", "rows")
        }
        heads = ("rows form      conn.", "headgate: rate, p50, p99", "bare: rate, p50, p99")
        yield f"{heads[0]:<20} | {heads[1]:<30} | {heads[2]:<30} | rate | CPU"
        for case in CASES:
            yield compare(ours, bare[case.form], forest, case, rounds, seconds)


def main(quick: bool) -> None:
    """Print the table; rate and CPU are headgate's as a share of the bare server's (more is better)."""
    for line in table(rounds=3 if quick else 5, seconds=1 if quick else 3):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
