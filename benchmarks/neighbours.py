"""What a bad model costs its neighbours: each fault of the zoo beside a model in the worker and one in a host.

`python -m benchmarks.neighbours` writes the figures to `benchmarks/results/neighbours.json` and the page of
`benchmarks/reliability.py` from them. Any program that keeps a processor busy makes others wait, so the same load is
also measured beside programs that have nothing to do with Headgate.
"""

import argparse
import contextlib
import json
import multiprocessing
import resource
import signal
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from benchmarks.rounds import say
from tests.e2e.zoo import FRAUD, GOOD, LATE, PATIENT, SPEC, TOLD, ask, deployed, start_node

from headgate.demo.load import Expected, Load, Question, Tally
from headgate.testing.bundles import LinearModel
from headgate.testing.node.node import Node
from headgate.testing.zoo import Fault

RESULTS = Path(__file__).parent / "results" / "neighbours.json"
PAUSE_SECONDS = 0.005
# what a fault may cost the others, as a share of what they take by themselves and milliseconds
ALLOWED_SHARE, ALLOWED_MS = 1.2, 1.0
FILE_BYTES = 32 << 20


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What the two good models did beside one thing."""

    name: str
    calm: tuple[float, float]  # p99 in milliseconds just before, of the model in the worker and of the one in a host
    p99: tuple[float, float]  # and beside it
    sent: int
    failed: int  # without the right answer


class Neighbours(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    seconds: float
    programs: tuple[Beside, ...]
    faults: tuple[Beside, ...]

    @property
    def calm(self) -> tuple[float, float]:
        """The two models by themselves: the middle of all measurements, in milliseconds."""
        rows = self.programs + self.faults
        return statistics.median(row.calm[0] for row in rows), statistics.median(row.calm[1] for row in rows)

    @property
    def failed(self) -> int:
        """Requests of the good models without the right answer, beside anything."""
        return sum(row.failed for row in self.programs + self.faults)

    def over(self) -> list[Beside]:
        """The faults beside which one of the two took longer than is allowed."""
        limits = [each * ALLOWED_SHARE + ALLOWED_MS for each in self.calm]
        return [row for row in self.faults if any(p99 > limit for p99, limit in zip(row.p99, limits, strict=True))]


def spin() -> None:
    """Computes for 2 of 7 milliseconds."""
    until = time.perf_counter() + 0.002
    while time.perf_counter() < until:
        pass


def open_sockets() -> None:
    """Opens 250, and closes them."""
    for each in [socket.socket() for _ in range(250)]:
        each.close()


def write_file() -> None:
    """Writes 32 MB into a file that has no name."""
    with tempfile.TemporaryFile() as file, contextlib.suppress(OSError):
        for _ in range(33):
            file.write(bytes(1_000_000))


PROGRAMS: dict[str, Callable[[], None]] = {
    "a program that computes for 2 of 7 ms": spin,
    "a program that opens 250 sockets and closes them": open_sockets,
    "a program that writes 32 MB": write_file,
}


def run(seconds: float) -> Neighbours:
    """Everything, one after the other, on one node with one worker."""
    with tempfile.TemporaryDirectory(prefix="headgate-neighbours-") as folder:
        node = start_node(Path(folder))
        try:
            load(node, seconds)
            programs = tuple(
                measure(node, name, seconds, repeated(program, confined=True)) for name, program in PROGRAMS.items()
            )
            faults = tuple(beside(node, fault, seconds) for fault in TOLD)
        finally:
            node.clean()
    return Neighbours(seconds=seconds, programs=programs, faults=faults)


def beside(node: Node, fault: Fault, seconds: float) -> Beside:
    """One client that asks for nothing but the fault."""
    endpoint = f"zoo-{fault.name.lower()}"
    deployed(node, endpoint, SPEC if TOLD[fault] == LATE else PATIENT)

    def step() -> None:
        with contextlib.suppress(OSError):
            ask(node, endpoint, fault)

    row = measure(node, fault.name, seconds, repeated(step))
    node.plane.withdraw("fraud", "good")
    return row


def measure(node: Node, name: str, seconds: float, trouble: contextlib.AbstractContextManager[None]) -> Beside:
    """The load by itself, then with the trouble."""
    calm = load(node, seconds)
    with trouble:
        troubled = load(node, seconds)
    row = Beside(
        name=name,
        calm=(p99_of(calm[0]), p99_of(calm[1])),
        p99=(p99_of(troubled[0]), p99_of(troubled[1])),
        sent=sum(tally.sent for tally in calm + troubled),
        failed=sum(tally.failed + tally.wrong for tally in calm + troubled),
    )
    say(f"  {name}: p99 {row.p99[0]:.2f} and {row.p99[1]:.2f} ms, {row.failed} of {row.sent:,} failed")
    return row


def p99_of(tally: Tally) -> float:
    """In milliseconds."""
    return round(tally.quantile(0.99) * 1e3, 3)


def load(node: Node, seconds: float) -> tuple[Tally, Tally]:
    """Light load on both good models, every answer checked."""
    url = f"http://127.0.0.1:{node.port}"
    answer = LinearModel().answer(json.loads(FRAUD)["rows"][0])
    inline = Question(FRAUD, {"fraud:1": Expected([answer["predictions"]], [answer["probabilities"]])})
    hosted = Question(GOOD, {"good:1": Expected([3.0])})
    with (
        Load(url, "fraud", [inline], connections=2, pause=PAUSE_SECONDS) as first,
        Load(url, "good", [hosted], connections=2, pause=PAUSE_SECONDS) as second,
    ):
        time.sleep(seconds)
    return first.tally, second.tally


@contextlib.contextmanager
def repeated(step: Callable[[], None], *, confined: bool = False) -> Iterator[None]:
    """The step again and again, in a process of its own: it would hold up the load that measures."""

    def loop() -> None:
        if confined:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        while True:
            step()
            time.sleep(PAUSE_SECONDS)

    process = multiprocessing.get_context("fork").Process(target=loop, daemon=True)
    process.start()
    yield
    process.kill()
    process.join()


def section(results: Neighbours) -> list[str]:
    """The lines of the page."""
    calm, over = results.calm, results.over()
    sent = sum(row.sent for row in results.faults)
    limits = [f"{each * ALLOWED_SHARE + ALLOWED_MS:.1f}" for each in calm]
    verdict = "no fault" if not over else f"{len(over)} of {len(results.faults)} faults"
    return [
        "## Beside a bad model",
        "",
        f"{len(results.faults)} faults, each asked for without a pause by one client while four connections ask two",
        f"good models, one inside the worker and one in a host, for {results.seconds:g} s (`python -m",
        f"benchmarks.neighbours`). {sent:,} requests of the others, **{results.failed} failed**. p99 of the others by",
        f"themselves {calm[0]:.2f} and {calm[1]:.2f} ms; meant to stay under {ALLOWED_SHARE:g} times that and",
        f"{ALLOWED_MS:g} ms more, {limits[0]} and {limits[1]} ms, which {verdict} exceeded. A kernel that does not",
        "interrupt its own work makes whoever shares a processor wait while it clears memory, frees sockets or writes",
        "files for somebody else: the first lines are of programs that have nothing to do with Headgate.",
        "",
        "| beside | p99 in the worker, ms | p99 in a host, ms | failed | within |",
        "|---|---|---|---|---|",
        *(row_of(row, "") for row in results.programs),
        *(row_of(row, "**no**" if row in over else "yes") for row in results.faults),
        "",
    ]


def row_of(row: Beside, verdict: str) -> str:
    """One line of the table."""
    return f"| {row.name} | {row.p99[0]:.2f} | {row.p99[1]:.2f} | {row.failed} | {verdict} |"


def read_neighbours() -> Neighbours:
    """That of the run that the page shows."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=Neighbours)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.neighbours", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    results = run(parser.parse_args().seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    say("\n".join(section(results)))
    say(f"written to {RESULTS.name}; `make docs` writes the page")


if __name__ == "__main__":
    main()
