"""Microseconds that watching costs a request: count, record, log, trace, cache. `python -m benchmarks.observation`."""

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from headgate.errors import ModelError
from headgate.records import Column, Signature
from headgate.runtimes.batch import Batch
from headgate.serving.calls import Answer
from headgate.serving.contract import Contract
from headgate.serving.metrics import CacheMetrics, Metrics
from headgate.serving.refusals import Refusals
from headgate.serving.response_cache import ResponseCache
from headgate.serving.tap import Recording, Tap
from headgate.serving.trace import Trace, trace_of
from headgate.spool.segment import SpoolWriter

ROUNDS, CALLS, FEATURES = 7, 5_000, 30
TRACEPARENT = {"traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}


def microseconds(call: Callable[[], Any]) -> float:
    """The best round: what else runs on the machine only ever adds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, (time.perf_counter() - begun) / CALLS)
    return best * 1e6


def measure(folder: Path) -> dict[str, float]:
    """Name → microseconds."""
    contract = Contract(Signature(inputs=tuple(Column(name=f"f{n}", dtype="float64") for n in range(FEATURES))), 100)
    rows = contract.rows([[1.0] * FEATURES])
    metrics = Metrics(folder / "metrics", "w0")
    variant = metrics.variant("fraud", "fraud:1")
    writer = SpoolWriter(folder / "spool", "w0", 1 << 28)
    schema = writer.schema("fraud", "fraud:1", [(name, "float64") for name in contract.names], ["predictions"])
    refusals = Refusals("fraud", "fraud:1", variant)
    tap = Tap(contract, writer, Recording(schema, 1.0), variant, refusals)
    batch = Batch(contract.names, matrix=np.ones((1, FEATURES)))
    answer = Answer(batch, {"predictions": np.zeros(1)}, time.monotonic(), 1e-5)

    def caller(trace: Trace | None) -> Any:
        exchange = SimpleNamespace(id="0123456789abcdef", started=time.monotonic(), trace=trace)
        return SimpleNamespace(exchange=exchange, rows=rows, done=200)

    plain, traced = [caller(None)], [caller(trace_of(TRACEPARENT))]
    cache = ResponseCache(1_000, CacheMetrics(metrics, "fraud", "fraud:1"))
    cache.keep(rows.content if isinstance(rows.content, bytes) else b"", batch, answer.outputs)
    error, names = ModelError("why"), iter(range(10**9))
    return {
        "count": microseconds(lambda: variant.answered([1e-3], [1e-4], 1e-5, 1)),
        "count and record": microseconds(lambda: tap.settle(answer, plain)),
        "count and record, traced": microseconds(lambda: tap.settle(answer, traced)),
        "refusal, counted and kept back": microseconds(lambda: refusals.tell(plain[0].exchange, error)),
        "refusal, logged": microseconds(lambda: Refusals("fraud", "fraud:1", variant).tell(plain[0].exchange, error)),
        "traceparent": microseconds(lambda: trace_of(TRACEPARENT).line),
        "cache hit": microseconds(lambda: cache.find(rows.content)),  # type: ignore[arg-type]  # a matrix is bytes
        "cache miss": microseconds(lambda: cache.find(b"")),
        "cache keep": microseconds(lambda: cache.keep(b"%d" % next(names), batch, answer.outputs)),
    }


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        logging.basicConfig(level=logging.INFO, stream=log)
        for name, cost in measure(Path(folder)).items():
            print(f"{name:32} {cost:8.2f} µs")  # noqa: T201 (a benchmark's output)


if __name__ == "__main__":
    main()
