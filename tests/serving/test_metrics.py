"""Counting in shared memory, and the Prometheus text over all workers, read by Prometheus' own parser."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from headgate import __version__
from headgate.metering import series_file
from headgate.metering.families import FAMILIES, ROWS_BOUNDS, SECONDS_BOUNDS
from headgate.records import RouteTable, Signature, Variant
from headgate.serving.metrics import Metrics, render, totals

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(folder: Path) -> Samples:
    """(name, labels) → value, as Prometheus reads it."""
    found: Samples = {}
    for family in text_string_to_metric_families(render(folder).decode()):
        assert family.documentation and family.type != "unknown"
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, "a series is there once"
            found[key] = sample.value
    return found


def look(folder: Path, name: str, **labels: str) -> float:
    """The sum over the series with these labels."""
    return sum(
        value for key, value in scrape(folder).items() if key[0] == name and labels.items() <= dict(key[1]).items()
    )


Start = Callable[..., Metrics]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def make(worker: str, **sizes: int) -> Metrics:
        return Metrics(tmp_path, worker, **sizes)

    return make


def test_requests_are_counted_by_version_status_and_reason(start: Start, tmp_path: Path) -> None:
    metrics = start("w0")
    fraud = metrics.variant("fraud", "fraud:3")
    for _ in range(3):
        fraud.count(200)
    fraud.count(504, "DEADLINE_EXCEEDED")
    metrics.refused().count(404, "NOT_FOUND")
    metrics.refused("fraud").count(429, "RATE_LIMITED")
    name = "headgate_requests_total"
    assert look(tmp_path, name, endpoint="fraud", version="fraud:3", status="200", reason="") == 3
    assert look(tmp_path, name, status="504", reason="DEADLINE_EXCEEDED") == 1
    assert look(tmp_path, name, endpoint="", version="", status="404") == 1
    assert look(tmp_path, name, endpoint="fraud", version="", status="429") == 1
    assert look(tmp_path, name) == 6
    # who reached no version took no version's time
    assert {key[0] for key in scrape(tmp_path) if ("version", "") in key[1]} == {name}
    assert metrics.variant("fraud", "fraud:3") is fraud
    metrics.close()


def test_histograms_are_cumulative_and_end_in_infinity(start: Start, tmp_path: Path) -> None:
    metrics = start("w0")
    fraud = metrics.variant("fraud", "fraud:3")
    # on a bound, between bounds, beyond all; two by one call of the model, and each by its own
    fraud.answered([SECONDS_BOUNDS[2], 0.003], [0.0, 0.0], 0.5, 10)
    for seconds in (0.004, 99.0):
        fraud.answered([seconds], [0.0], seconds / 2, 5)
    fraud.batch(20)
    name = "headgate_request_seconds"
    assert look(tmp_path, f"{name}_bucket", le=repr(SECONDS_BOUNDS[1])) == 0
    assert look(tmp_path, f"{name}_bucket", le=repr(SECONDS_BOUNDS[2])) == 1
    assert look(tmp_path, f"{name}_bucket", le="0.005") == 3
    assert look(tmp_path, f"{name}_bucket", le="30.0") == 3
    assert look(tmp_path, f"{name}_bucket", le="+Inf") == look(tmp_path, f"{name}_count") == 4
    assert look(tmp_path, f"{name}_sum") == pytest.approx(99.00725)
    assert look(tmp_path, "headgate_requests_total") == look(tmp_path, "headgate_model_seconds_count") == 4
    assert look(tmp_path, "headgate_model_seconds_sum") == pytest.approx(0.5 + 0.5 + 99.004 / 2)
    assert look(tmp_path, "headgate_queue_seconds_bucket", le=repr(SECONDS_BOUNDS[0])) == 4
    assert look(tmp_path, "headgate_rows_total") == 20
    assert look(tmp_path, "headgate_batch_rows_bucket", le="16.0") == 0
    assert look(tmp_path, "headgate_batch_rows_bucket", le="32.0") == look(tmp_path, "headgate_batch_rows_count") == 1
    metrics.close()


def test_workers_are_added_up(start: Start, tmp_path: Path) -> None:
    workers = [start(f"w{number}") for number in range(3)]
    for number, worker in enumerate(workers):
        worker.variant("fraud", "fraud:3").count(200)
        worker.variant("fraud", f"fraud:{number}").count(200)
        worker.connections(10)
        worker.in_flight(2)
        worker.records(10, 1000, number)
    assert look(tmp_path, "headgate_requests_total", version="fraud:3") == 3
    assert look(tmp_path, "headgate_requests_total") == 6
    assert look(tmp_path, "headgate_connections") == 30
    assert look(tmp_path, "headgate_in_flight") == 6
    assert look(tmp_path, "headgate_records_dropped_total") == 3
    assert look(tmp_path, "headgate_workers") == 3
    for worker in workers:
        worker.close()


def test_the_dead_count_on_but_hold_nothing_open(start: Start, tmp_path: Path) -> None:
    for generation in range(4):
        worker = start(f"w0-{generation}")
        fraud = worker.variant("fraud", "fraud:3")
        fraud.answered([0.001], [0.0], 0.001, 1)
        worker.connections(7)
        assert look(tmp_path, "headgate_requests_total") == generation + 1
        assert look(tmp_path, "headgate_request_seconds_count") == generation + 1
        assert look(tmp_path, "headgate_connections") == 7
        worker.close()
        assert look(tmp_path, "headgate_requests_total") == generation + 1
        assert look(tmp_path, "headgate_connections") == 0
        assert look(tmp_path, "headgate_workers") == 0
    assert len(list(tmp_path.glob("*.mmap"))) == 1, "the others were folded"


def test_a_worker_that_takes_a_dead_ones_name_loses_nothing(start: Start, tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        worker = start("w0")
        worker.variant("fraud", "fraud:3").count(200)
        assert look(tmp_path, "headgate_requests_total") == expected
        worker.close()


def test_a_killed_worker_is_dead_at_once(start: Start, tmp_path: Path) -> None:
    code = (
        "import os, sys, signal; from pathlib import Path; from headgate.serving.metrics import Metrics;"
        "m = Metrics(Path(sys.argv[1]), 'w1'); m.variant('e', 'e:1').count(200); m.connections(5);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert look(tmp_path, "headgate_requests_total") == 1
    assert look(tmp_path, "headgate_connections") == 0
    start("w2").close()
    assert look(tmp_path, "headgate_requests_total") == 1
    assert not (tmp_path / "w1.mmap").exists()


def test_a_fold_that_dies_half_way_counts_nothing_twice(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = start("w0")
    dead.variant("fraud", "fraud:3").count(200)
    dead.close()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(OSError("killed here")))
        start("w1").close()
    assert (tmp_path / "w0.mmap").exists()
    assert look(tmp_path, "headgate_requests_total") == 1
    start("w2").close()
    assert not (tmp_path / "w0.mmap").exists()
    assert look(tmp_path, "headgate_requests_total") == 1


def test_counters_never_go_down_while_workers_come_and_go(start: Start, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from headgate.serving.metrics import totals;\n"
        "last = 0.0\n"
        "while not (Path(sys.argv[1]) / 'stop').exists():\n"
        "    now = sum(v[0] for k, v in totals(Path(sys.argv[1])).items() if k[0] == 'headgate_requests_total')\n"
        "    assert now >= last, (last, now)\n"
        "    last = now\n"
        "print(last)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE) as watcher:
        for number in range(40):
            worker = start(f"w{number}")
            for _ in range(10):
                worker.variant("fraud", "fraud:3").count(200)
            worker.close()
        (tmp_path / "stop").touch()
        assert watcher.stdout is not None
        watcher.stdout.read()
    assert watcher.returncode == 0
    assert look(tmp_path, "headgate_requests_total") == 400


LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=5, unique=True))
def test_labels_are_escaped(tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("labels")
    metrics = Metrics(folder, "w0")
    for endpoint, version in names:
        metrics.variant(endpoint, version).count(200)
    found = {
        (dict(labels)["endpoint"], dict(labels)["version"])
        for name, labels in scrape(folder)
        if name == "headgate_requests_total"
    }
    assert found == set(names)
    metrics.close()


@pytest.mark.parametrize("sizes", [{"names_bytes": 2000}, {"values": 200}], ids=["names", "values"])
def test_a_full_region_drops_new_series_and_says_so(start: Start, tmp_path: Path, sizes: dict[str, int]) -> None:
    metrics = start("w0", **sizes)
    first = metrics.variant("fraud", "fraud:1")
    first.count(200)
    for number in range(50):
        crowd = metrics.variant("crowd", f"crowd:{number}")
        crowd.answered([99.0], [99.0], 99.0, 1)
        crowd.batch(100_000)
    first.count(200)
    assert look(tmp_path, "headgate_requests_total", version="fraud:1") == 2
    assert look(tmp_path, "headgate_series_dropped_total") > 0
    assert look(tmp_path, "headgate_connections") == 0, "what has no place spills over nothing"
    metrics.close()


def test_a_disk_without_room_costs_the_metrics_only(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    metrics = start("w0")
    metrics.variant("fraud", "fraud:1").count(200)
    assert "seen by nobody" in caplog.text
    assert look(tmp_path, "headgate_requests_total") == 0
    metrics.close()


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"HGMETR1\n" + b"\xff" * 200], ids=["empty", "zeros", "garbage"])
def test_a_damaged_file_costs_one_worker_only(start: Start, tmp_path: Path, content: bytes) -> None:
    metrics = start("w0")
    metrics.variant("fraud", "fraud:1").count(200)
    (tmp_path / "w1.mmap").write_bytes(content)
    (tmp_path / "folded.json").write_bytes(content)
    assert look(tmp_path, "headgate_requests_total") == 1
    metrics.close()


def test_buckets_of_an_older_release_give_way(start: Start, tmp_path: Path) -> None:
    labels = [["endpoint", "fraud"], ["version", "fraud:1"]]
    old = {"format": 1, "number": 1, "identities": [], "series": [["headgate_request_seconds", labels, [1.0, 2.0]]]}
    (tmp_path / series_file.FOLDED).write_text(json.dumps(old))
    assert look(tmp_path, "headgate_request_seconds_count") == 0
    metrics = start("w0")
    metrics.variant("fraud", "fraud:1").answered([0.1], [0.1], 0.1, 1)
    assert look(tmp_path, "headgate_request_seconds_count") == 1
    metrics.close()


def test_an_empty_node_has_an_exposition(tmp_path: Path) -> None:
    assert look(tmp_path, "headgate_workers") == 0
    assert render(tmp_path).endswith(b"\n")


def test_every_family_has_a_kind_and_ascending_bounds() -> None:
    assert {family.kind for family in FAMILIES.values()} == {"counter", "gauge", "histogram"}
    for bounds in (SECONDS_BOUNDS, ROWS_BOUNDS):
        assert list(bounds) == sorted(set(bounds))


def test_files_are_private(start: Start, tmp_path: Path) -> None:
    metrics = start("w0")
    start("w1").close()
    start("w2").close()
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert totals(tmp_path)
    metrics.close()


def test_tables_in_force_are_told_as_what_every_worker_has_taken(start: Start, tmp_path: Path) -> None:
    first, second = start("w0"), start("w1")
    variants = (Variant(version="fraud:2", digest="d", placement="inline"),)
    old = RouteTable(endpoint="fraud", epoch=1, generation=4, contract=Signature(inputs=()), variants=variants)
    new = msgspec.structs.replace(
        old, generation=5, variants=(msgspec.structs.replace(variants[0], version="fraud:3"),)
    )
    for worker in (first, second):
        worker.began(1000.0)
        worker.tables([old])
    assert look(tmp_path, "headgate_variant_workers", version="fraud:2", role="stable", placement="inline") == 2
    first.tables([new])
    assert look(tmp_path, "headgate_route_generation", endpoint="fraud") == 4
    second.tables([new])
    assert look(tmp_path, "headgate_route_generation", endpoint="fraud") == 5
    assert [dict(labels)["version"] for name, labels in scrape(tmp_path) if name == "headgate_variant_workers"] == [
        "fraud:3"
    ], "what nobody holds is not there"
    assert look(tmp_path, "headgate_build_info", version=__version__) == 1
    assert look(tmp_path, "headgate_worker_start_time_seconds") == 1000
    first.close()
    second.close()
