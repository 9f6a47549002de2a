"""The page of a run: `python -m benchmarks.report [RESULT]` writes docs/performance.md.

RESULT is kept beside the page's own (`benchmarks/results/page.json`); without it the page is written again from there.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.contender import ROOT
from benchmarks.promises import promises
from benchmarks.results import CaseResult, ContenderResult, Machine, Result, load, save

RESULTS = ROOT / "benchmarks" / "results"
LAST = RESULTS / "last.json"
OF_THE_PAGE = RESULTS / "page.json"
PAGE = ROOT / "docs" / "performance.md"
BUSY = 0.5

INTRODUCTION = """# Performance

This page is written by `make bench PEERS=1 PAGE=1`; edit `benchmarks/report.py`, not the page.

One model, a random forest of 100 trees on 30 numbers, is served by everybody: compiled to ONNX where a server runs
onnxruntime, as the scikit-learn file where it runs that. Absolute figures differ from machine to machine and from
minute to minute; **only the ratios to the bare server of the same round mean anything**. The bare server is uvloop and
httptools that decode, call onnxruntime and encode, without limits, ids, records or metrics. A ratio of Headgate to a
peer is the quotient of their ratios to it.
"""

METHOD = """## How it is measured

- Server and load share the cores of one machine, over loopback. Contenders take turns in every round; a figure is the
  median over the rounds, ± is half of the distance between the fastest and the slowest.
- Peers run one after the other, each beside a bare server of its own: several of them are busy when idle. Each has a
  virtual environment of its own, one worker, and its defaults; "batching" is its own batching, switched on.
- Every contender answers right before it is timed; answers are compared with the model's before, during and after the
  load. A contender that could not be had is a row that says why.
- Closed loop: as many requests on their way as there are connections. Open loop: requests leave by a schedule, and a
  latency counts from the time on the schedule, so that waiting is not left out; the rate is 30 % of what 32 connections
  reached, at most 20,000/s, beyond which the driver would be measured.
- Memory is the proportional set size of all processes of a server, after the load. Cold start is from the command to
  the first right answer, once. CPU is user and system time of all processes, at 32 connections.
- Not asked here: binary tensors, batch scoring, drift over large tables, and how two workers share connections
  (`tests/e2e/test_swaps.py` holds that).

Again: `make bench` (without peers, under ten minutes), `make bench QUICK=1` (about one), `make bench PEERS=1` (with
peers, which installs them), `PAGE=1` to write this page from the run. A quiet machine is worth more than long rounds.
"""


def render(result: Result) -> str:
    """The page."""
    parts = [
        INTRODUCTION,
        *_machine(result),
        *_promises(result),
        *_cases(result),
        *_whole(result),
        *_swaps(result),
        *_stages(result),
        METHOD,
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine(result: Result) -> Iterator[str]:
    machine: Machine = result.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    yield "## The machine"
    yield (
        f"{machine.cores} cores ({machine.processor}), {machine.memory} GiB; Python {machine.python}; {versions}. "
        f"Load by {machine.driver}."
    )
    if result.effort != "full":
        yield f"This was a **{result.effort}** run: few and short rounds. Take the figures as a first look."
    if result.kept:
        names = ", ".join(result.kept)
        yield f"Of an earlier run on such a machine, each against the bare server of its own round: {names}."
    if machine.load > BUSY:
        yield (
            f"The machine was **not quiet**: {machine.load:g} processes ran on average in the minute before. "
            "What is missed may be the neighbours' doing, and so may what is met."
        )


def _promises(result: Result) -> Iterator[str]:
    yield "## Promised and measured"
    rows = [(each.what, each.promised, each.found, each.verdict) for each in promises(result)]
    yield table(("one worker, everything on", "promised", "measured", ""), rows)


def _cases(result: Result) -> Iterator[str]:
    pairs = dict.fromkeys((case.form, case.rows) for each in result.contenders for case in each.cases)
    heads = (
        "contender", "runs", "c=32: req/s", "± %", "of bare", "p50 ms", "p99 ms", "CPU s per 1,000", "errors",
        "c=1: req/s", "of bare", "p50 ms", "p99 ms",
    )  # fmt: skip
    for form, rows in pairs:
        found = [each for each in result.contenders if any((c.form, c.rows) == (form, rows) for c in each.cases)]
        yield f"## {rows} row{'s' if rows > 1 else ''} a request, as {form}"
        yield table(heads, [_case_row(each, form, rows) for each in found])


def _case_row(found: ContenderResult, form: str, rows: int) -> list[str]:
    many, one = found.case(form, rows, 32), found.case(form, rows, 1)
    return [found.name, found.runs, *_many(many), *_one(one)]


def _many(case: CaseResult | None) -> list[str]:
    if case is None:
        return [""] * 7
    return [
        f"{case.rate:,.0f}", f"{case.spread:.0%}".rstrip("%"), f"{case.ratio:.3g}", *_latencies(case),
        f"{case.middle(lambda each: each.cpu):.3g}", str(case.errors),
    ]  # fmt: skip


def _one(case: CaseResult | None) -> list[str]:
    return [""] * 4 if case is None else [f"{case.rate:,.0f}", f"{case.ratio:.3g}", *_latencies(case)]


def _latencies(case: CaseResult) -> list[str]:
    return [_ms(case.middle(lambda each: each.p50)), _ms(case.middle(lambda each: each.p99))]


def _ms(microseconds: float) -> str:
    return f"{microseconds / 1e3:.3g}"


def _whole(result: Result) -> Iterator[str]:
    yield "## Open loop, memory, cold start"
    heads = (
        "contender", "what", "runs", "cold start s", "memory MB", "processes", "open loop, 1 row: req/s", "share %",
        "p50 ms", "p99 ms", "worst ms", "errors", "answers checked", "wrong",
    )  # fmt: skip
    yield table(heads, [_whole_row(each) for each in result.contenders if not each.missing])
    missing = [each for each in result.contenders if each.missing]
    if missing:
        yield "Not measured:"
        yield table(("contender", "what", "why"), [(each.name, each.what, _cell(each.missing)) for each in missing])


def _whole_row(found: ContenderResult) -> list[str]:
    seen = next((each for each in found.open_loop if each.rows == 1), None)
    what = f"{found.what} ({found.version})" if found.version else found.what
    opened = [""] * 6 if seen is None else [
        f"{seen.seen.offered:,.0f}", f"{seen.share * 100:.0f}", _ms(seen.seen.p50), _ms(seen.seen.p99),
        _ms(seen.seen.worst), str(seen.seen.errors),
    ]  # fmt: skip
    return [
        found.name, what, found.runs, f"{found.cold_start:.2f}", f"{found.memory:.0f}", str(found.processes), *opened,
        str(found.checked), str(found.wrong),
    ]  # fmt: skip


def _swaps(result: Result) -> Iterator[str]:
    if swap := result.swap:
        yield "## Swaps"
        heads = (
            "open loop, 1 row, through a whole instance",
            "req/s",
            "p50 ms",
            "p99 ms",
            "worst ms",
            "errors",
            "wrong",
        )
        pairs = (("before", swap.before), ("while versions are replaced, one a second", swap.during))
        yield table(
            heads,
            [
                (
                    name,
                    f"{seen.offered:,.0f}",
                    _ms(seen.p50),
                    _ms(seen.p99),
                    _ms(seen.worst),
                    str(seen.errors),
                    str(seen.wrong),
                )
                for name, seen in pairs
            ],
        )
        yield (
            f"{swap.swaps} swaps took agent and worker from {swap.memory_before:.0f} to {swap.memory_after:.0f} MB. "
            "The control plane and the smoke test of every new version run on the same cores as the load."
        )
    if start := result.start:
        compiled, raw = (", ".join(f"{each:.2f}" for each in times) for times in (start.compiled, start.raw))
        yield f"`headgate serve` answered after {compiled} s on a compiled bundle, {raw} s on a scikit-learn file."


def _stages(result: Result) -> Iterator[str]:
    if not result.stages:
        return
    yield "## Where the time goes"
    yield "Inside of a worker, bytes fed to its connection without a socket: each part alone, the best of many, in µs."
    counts = list(result.stages)
    parts = list(result.stages[counts[0]])
    heads = ("part", *(f"{count} row{'s' if count != '1' else ''}" for count in counts))
    yield table(heads, [(part, *(f"{result.stages[count][part]:.1f}" for count in counts)) for part in parts])
    for count, profile in result.profile.items():
        yield f"Profile of the whole, {count} row{'s' if count != '1' else ''}: own time by function, in %."
        yield table(("function", "%"), [(f"`{name}`", f"{share * 100:.1f}") for name, share in profile.items()])


def _cell(text: str) -> str:
    """Text that a table's cell can hold."""
    return " ".join(text.replace("|", "/").replace("<", "‹").replace(">", "›").split())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("result", nargs="?", type=Path, help="a run's file, to be the page's from now on")
    chosen = parser.parse_args()
    if chosen.result:
        # a run without peers does not take theirs from the page
        save(load(chosen.result).with_peers_of(load(OF_THE_PAGE)), OF_THE_PAGE)
    PAGE.write_text(render(load(OF_THE_PAGE)))
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
