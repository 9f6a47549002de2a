"""Repeated rows are answered without the model, as answers of their own, within bounds, until the table changes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.serving.worker_process import WorkerProcess, metric

from headgate.home import Home
from headgate.records import EndpointSpec, Refresh
from headgate.runtimes.batch import Batch
from headgate.serving.metrics import CacheMetrics, Metrics, render
from headgate.serving.response_cache import ENTRY_BYTES, FEW_ROWS, ResponseCache
from headgate.spool.reading import read_records
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

Start = Callable[..., WorkerProcess]


def cache(tmp_path: Path, entries: int, most_bytes: int = 1 << 20) -> ResponseCache:
    return ResponseCache(entries, CacheMetrics(Metrics(tmp_path, "w0"), "fraud", "fraud:1"), most_bytes)


def keep(into: ResponseCache, name: bytes) -> None:
    into.keep(name, Batch(["a"], matrix=np.zeros((1, 1))), {"predictions": np.zeros(1)})


def test_the_least_recently_asked_leave_first(tmp_path: Path) -> None:
    kept = cache(tmp_path, 2)
    keep(kept, b"one")
    keep(kept, b"two")
    assert kept.find(b"one") is not None
    keep(kept, b"three")
    assert [kept.find(name) is not None for name in (b"one", b"two", b"three")] == [True, False, True]
    text = render(tmp_path).decode()
    assert metric(text, "headgate_cache_hits_total", version="fraud:1") == 3
    assert metric(text, "headgate_cache_misses_total") == 1
    assert metric(text, "headgate_cache_entries") == 2


def test_bytes_bound_it_too(tmp_path: Path) -> None:
    kept = cache(tmp_path, 1000, most_bytes=3 * ENTRY_BYTES)
    for number in range(50):
        keep(kept, b"%d" % number)
    assert metric(render(tmp_path).decode(), "headgate_cache_entries") == 2
    assert metric(render(tmp_path).decode(), "headgate_cache_bytes") <= 3 * ENTRY_BYTES


def test_a_repeated_request_is_answered_and_recorded_as_one_of_its_own(home: Home, start: Start) -> None:
    bundle = build_bundle(home.cache, LinearModel(fails_at=666.0))
    publish(home, route_table(bundle, spec=EndpointSpec(cache_entries=10)))
    worker = start(home)
    width = len(LinearModel().features)
    rows = {"instances": [[1.0] * width]}
    first = worker.predict(rows, Headgate_Id="first")
    second = worker.predict(rows, Headgate_Id="second")
    assert "headgate-cache" not in first.headers
    assert second.headers["headgate-cache"] == "hit"
    assert first.json | {"id": "second"} == second.json
    # by value and not by form
    named = {"rows": [dict.fromkeys(LinearModel().features, 1.0)]}
    assert worker.predict(named, Accept="text/csv").headers["headgate-cache"] == "hit"
    for _ in range(2):
        failed = worker.predict({"instances": [[666.0] * width]})
        assert (failed.status, "headgate-cache" in failed.headers) == (500, False), "no failure is kept"
        many = worker.predict({"instances": [[2.0] * width] * (FEW_ROWS + 1)})
        assert "headgate-cache" not in many.headers
    found = {record["id"]: record for record in read_records(home.spool, "fraud", 100)}
    assert found["first"]["outputs"] == found["second"]["outputs"]
    assert found["first"]["inputs"] == found["second"]["inputs"]
    text = worker.ask("GET", "/metrics").body.decode()
    assert metric(text, "headgate_cache_hits_total", endpoint="fraud") == 2
    assert metric(text, "headgate_requests_total", endpoint="fraud", status="200") == 5
    # what no model was asked for took none of its time, and waited for none
    assert metric(text, "headgate_request_seconds_count", endpoint="fraud", version="fraud:1") == 5
    assert metric(text, "headgate_model_seconds_count", endpoint="fraud", version="fraud:1") == 3
    assert metric(text, "headgate_queue_seconds_count", endpoint="fraud", version="fraud:1") == 3
    # a new table begins with an empty cache
    publish(home, route_table(bundle, generation=2, spec=EndpointSpec(cache_entries=10)))
    with worker.control() as agent:
        agent.send(Refresh())
        agent.report_where(lambda report: report.generations.get("fraud") == (1, 2))
    assert "headgate-cache" not in worker.predict(rows).headers


def test_figures_of_a_cache_leave_with_its_version(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, "w0")
    keep(ResponseCache(5, CacheMetrics(metrics, "fraud", "fraud:1")), b"one")
    assert metric(render(tmp_path).decode(), "headgate_cache_entries") == 1
    metrics.tables([])
    assert "headgate_cache_entries{" not in render(tmp_path).decode()
