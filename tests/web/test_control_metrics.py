"""`/metrics` of the control plane, read as Prometheus would."""

import threading
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.web.console import Console

from headgate.metering.control_families import CONTROL_FAMILIES
from headgate.metering.counters import Counters


class Samples:
    """One scrape."""

    def __init__(self, console: Console) -> None:
        answer = console.client.get("/metrics", headers={"Authorization": f"Bearer {console.key}"})
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(answer.text))
        assert all(family.documentation and family.type != "unknown" for family in families)
        self.samples = [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum over the series with these labels."""
        return float(sum(each.value for each in self.named(name) if labels.items() <= each.labels.items()))

    def named(self, name: str) -> list[Any]:
        return [each for each in self.samples if each.name == f"headgate_control_{name}"]


def test_rollouts_are_told_by_state(console: Console) -> None:
    console.deploy(console.register())
    states = {each.labels["state"]: each.value for each in Samples(console).named("rollouts")}
    assert states["promoted"] == 1
    assert sum(states.values()) == 1
    assert Samples(console).value("versions") == 1


def test_requests_are_counted_by_template_and_status(console: Console) -> None:
    version = console.register()
    before = Samples(console)
    for name in (version, "nobody:1", "nobody:2"):
        model, _, number = name.partition(":")
        console.ask("GET", f"/models/{model}/versions/{number}")
    now = Samples(console)
    routes = {each.labels["route"] for each in now.named("requests_total")}
    assert not any("nobody" in route for route in routes)
    [template] = [route for route in routes if route.startswith("/api/v1/models/{") and "versions" in route]
    assert now.value("requests_total", route=template, method="GET", status="200") == 1
    assert now.value("requests_total", route=template, method="GET", status="404") == 2
    assert now.value("request_seconds_count", route=template) == 3
    # the scrape itself: those that have ended, and the one under way
    assert now.value("requests_total", route="/metrics") == before.value("requests_total", route="/metrics") + 1
    assert now.value("in_flight") == 1


def test_what_the_door_refuses_is_counted_without_a_word_of_it(console: Console) -> None:
    console.client.request("MADEUP", "/api/v1/status")
    console.client.get("/no/such/place")
    console.client.get("/api/v1/status", headers={"Host": "evil.example"})
    now = Samples(console)
    assert now.value("requests_total", method="", route="", status="405") == 1
    assert now.value("requests_total", method="GET", route="", status="404") == 1
    assert now.value("requests_total", method="GET", route="", status="400") == 1


def test_a_fault_of_ours_is_counted_and_leaves_nothing_in_flight(console: Console) -> None:
    console.app.plane.database.close()
    broken = console.app.plane.database

    def failing() -> Any:
        raise RuntimeError("a fault")

    kept, broken.read = broken.read, failing  # type: ignore[method-assign]  # for one request
    assert console.client.get("/readyz").status_code == 500
    broken.read = kept  # type: ignore[method-assign]  # the breaking is the test
    now = Samples(console)
    assert now.value("requests_total", route="/readyz", status="500") == 1
    assert now.value("in_flight") == 1


def test_the_database_is_timed(console: Console) -> None:
    before = Samples(console)
    console.register()
    now = Samples(console)

    def more(name: str, **labels: str) -> float:
        return now.value(name, **labels) - before.value(name, **labels)

    assert more("transaction_seconds_count", kind="write") >= 1
    assert more("transaction_seconds_count", kind="read") >= 1
    assert more("statement_seconds_count", kind="write") > more("transaction_seconds_count", kind="write")
    assert more("database_wait_seconds_count", **{"for": "turn"}) == more("transaction_seconds_count", kind="write")
    assert more("database_wait_seconds_count", **{"for": "connection"}) == more("transaction_seconds_count")
    assert now.value("database_connections") == 0


def test_threads_count_together() -> None:
    counters = Counters(CONTROL_FAMILIES)

    def count() -> None:
        for _ in range(2000):
            counters.count("headgate_control_in_flight")
            counters.observe("headgate_control_request_seconds", 0.003, (("route", "/"),))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = counters.totals()
    assert found["headgate_control_in_flight", ()] == [8000]
    assert sum(found["headgate_control_request_seconds", (("route", "/"),)][1:]) == 8000


def test_a_scrape_is_one_reading_of_the_database(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    database = console.app.plane.database
    begun: list[int] = []
    read = database.read

    def counted() -> Any:
        begun.append(database.connections)
        return read()

    monkeypatch.setattr(database, "read", counted)
    samples = Samples(console)
    # the other one looks at the key
    assert len(begun) == 2
    assert samples.value("database_connections") == 0
