"""What Headgate promises of its speed, each beside what a run has measured."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.contenders import HEADGATE, LINEAR, LINEAR_BINARY, OIP, OIP_BINARY
from benchmarks.results import CaseResult, Result

HOSTS = "headgate-hosts"
DEFAULTS = ("mlserver", "bentoml", "litserve", "ray", "mlflow")
BATCHING = ("mlserver-batching", "bentoml-batching", "litserve-batching", "ray-batching", "triton-batching")
NO_WAIT = 0.5  # milliseconds; the shortest window that anybody waits for a batch is one


@dataclass(frozen=True)
class Promise:
    """One line: what is promised of a number, and the number."""

    what: str
    limit: float
    # None where the run has no figure for it
    measured: float | None
    unit: str = ""
    # whether the number must not be above the limit, or not below
    at_most: bool = False

    @property
    def promised(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {_number(self.limit)}{self.unit}"

    @property
    def found(self) -> str:
        return "not measured" if self.measured is None else f"{_number(self.measured)}{self.unit}"

    @property
    def verdict(self) -> str:
        """Met, or missed by how much."""
        if self.measured is None:
            return "–"
        missed = self.measured - self.limit if self.at_most else self.limit - self.measured
        return f"**missed by {_number(missed)}{self.unit}**" if missed > 0 else "met"


def promises(result: Result) -> list[Promise]:
    """All that is promised and can be asked here."""
    return [
        *_against_bare(result),
        *_in_other_protocols(result),
        *_over_grpc(result),
        *_against_peers(result),
        *_in_hosts(result),
        *_of_the_node(result),
    ]


def _against_bare(result: Result) -> Iterator[Promise]:
    for form in ("instances", "rows"):
        many = _case(result, HEADGATE, form, 1, 32)
        yield Promise(
            f"1 row as {form}, 32 connections, against the bare server", 0.8, many.ratio if many else None, " ×"
        )
    one = _case(result, HEADGATE, "instances", 1, 1)
    p50 = one.middle(lambda found: found.p50 - found.bare_p50) if one else None
    p99 = one.middle(lambda found: found.p99 - found.bare_p99) / 1e3 if one else None
    yield Promise("1 row, one connection: p50 above the bare server's", 50, p50, " µs", at_most=True)
    yield Promise("1 row, one connection: p99 above the bare server's", 1, p99, " ms", at_most=True)
    for form in ("instances", "rows"):
        hundred = _case(result, HEADGATE, form, 100, 32)
        yield Promise(
            f"100 rows as {form}, 32 connections, against the bare server",
            0.93,
            hundred.ratio if hundred else None,
            " ×",
        )


def _in_other_protocols(result: Result) -> Iterator[Promise]:
    for what, limit, rows, ours, than in (
        ("1 row, Open Inference Protocol in JSON", 0.9, 1, OIP, HEADGATE),
        ("100 rows, its binary tensors", 1.6, 100, OIP_BINARY, HEADGATE),
        ("the same, a linear model", 2.5, 100, LINEAR_BINARY, LINEAR),
    ):
        ratio = times(result, than, ours, rows)
        yield Promise(f"{what}, 32 connections, against our own JSON", limit, ratio, " ×")


def _over_grpc(result: Result) -> Iterator[Promise]:
    ratio = result.calls.ratio if result.calls else None
    yield Promise("1 row over gRPC, 32 connections, against a bare grpcio server", 0.85, ratio, " ×")


def _against_peers(result: Result) -> Iterator[Promise]:
    for limit, name, what in (
        (2, "triton", "Triton, its Python backend calling onnxruntime"),
        (5, "fastapi-onnx", "FastAPI (`async def`) + onnxruntime"),
    ):
        yield Promise(f"1 row, 32 connections, against {what}", limit, times(result, name), " ×")
    for name in DEFAULTS:
        yield Promise(
            f"1 row, 32 connections, against {_what(result, name)}, scikit-learn", 100, times(result, name), " ×"
        )
    for name in BATCHING[:-1]:
        yield Promise(
            f"1 row, 32 connections, against {_what(result, name)}, scikit-learn", 25, times(result, name), " ×"
        )


def _in_hosts(result: Result) -> Iterator[Promise]:
    best = result.best(BATCHING, "instances", 1, 32)
    ratio = times(result, best.name, HOSTS) if best else None
    whose = f"the best peer's batching ({best.name})" if best else "the best peer's batching"
    yield Promise(f"the model left in scikit-learn, 32 connections, against {whose}", 1, ratio, " ×")
    ours, plain = _case(result, HOSTS, "instances", 1, 1), _case(result, "fastapi-sklearn", "instances", 1, 1)
    wait = (_p50(ours) - _p50(plain)) / 1e3 if ours and plain else None
    what = "the same, one connection: p50 above FastAPI's, which calls the model at once"
    yield Promise(what, NO_WAIT, wait, " ms", at_most=True)


def _of_the_node(result: Result) -> Iterator[Promise]:
    ours, start, swap = result.contender(HEADGATE), result.start, result.swap
    yield Promise(
        "memory of a serving node after load (agent, one worker)",
        300,
        ours.memory if ours else None,
        " MB",
        at_most=True,
    )
    compiled = statistics.median(start.compiled) if start else None
    raw = statistics.median(start.raw) if start else None
    yield Promise("`headgate serve` on a compiled bundle answers after", 1, compiled, " s", at_most=True)
    yield Promise("`headgate serve` on a scikit-learn file answers after", 5, raw, " s", at_most=True)
    if swap:
        limit = max(2 * swap.before.p99, swap.before.p99 + 2000) / 1e3
        failed = float(swap.during.errors + swap.during.wrong)
        what = "p99 while versions are swapped, open loop: twice what it was before, or 2 ms more"
        yield Promise(what, limit, swap.during.p99 / 1e3, " ms", at_most=True)
        yield Promise("requests failed or answered wrong meanwhile", 0, failed, at_most=True)
        grown = swap.memory_after - swap.memory_before
        yield Promise(f"growth of agent and worker over {swap.swaps} swaps", 20, grown, " MB", at_most=True)


def times(result: Result, other: str, ours: str = HEADGATE, rows: int = 1) -> float | None:
    """How many times the other's rate ours is, both as shares of the bare server of their rounds."""
    left, right = _case(result, ours, "instances", rows, 32), _case(result, other, "instances", rows, 32)
    return left.ratio / right.ratio if left and right else None


def _case(result: Result, name: str, form: str, rows: int, connections: int) -> CaseResult | None:
    found = result.contender(name)
    return found.case(form, rows, connections) if found else None


def _p50(case: CaseResult) -> float:
    return case.middle(lambda found: found.p50)


def _what(result: Result, name: str) -> str:
    return next((found.what for found in result.contenders if found.name == name), name)


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"
