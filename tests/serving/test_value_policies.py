"""Values that training did not see: accepted, told or refused, in every format and form of contract."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from tests.serving.tables import ARROW, stream
from tests.serving.worker_process import WorkerProcess, metric

from headgate.errors import SignatureMismatch
from headgate.home import Home
from headgate.metering.families import UNUSUAL
from headgate.records import Column, EndpointSpec, Signature
from headgate.serving.contract import Contract
from headgate.serving.formats.json import JsonFormat
from headgate.serving.value_policies import Unusual, header_line, watch_values
from headgate.testing.bundles import build_bundle, publish, route_table

AGE = Column(name="age", dtype="float64", nullable=True, minimum=0, maximum=120)
ROOMS = Column(name="rooms", dtype="float64", categories=(1, 2, 3))
CITY = Column(name="city", dtype="string", nullable=True, categories=("Bonn", "Köln"))
SHAPED = Column(name="v", dtype="float64", shape=(2,), minimum=0, maximum=1)
WHO = Column(name="who", dtype="string", roles=("entity",), categories=("me",))
ROWS: list[dict[str, Any]] = [
    {"age": 30, "rooms": 1, "city": "Bonn"},
    {"age": -1, "rooms": 4, "city": "bonn"},
    {"age": None, "rooms": 2, "city": None},
    {"age": 120.5, "rooms": 2, "city": "Köln"},
]


def watched(columns: tuple[Column, ...], spec: EndpointSpec, rows: list[dict[str, Any]]) -> list[Unusual] | None:
    found = Contract(Signature(inputs=columns), 100)
    watch = watch_values(found, spec)
    if watch is None:
        return None
    names = {column.name for column in columns}
    body = json.dumps({"rows": [{name: row[name] for name in row if name in names} for row in rows]}).encode()
    return list(watch(JsonFormat().decoder(found)(body)))


def test_nothing_is_watched_where_nothing_is_to_be_found() -> None:
    both = EndpointSpec(unseen_category="warn", out_of_range="refuse")
    assert watched((AGE, ROOMS, CITY), EndpointSpec(), ROWS) is None
    assert watched((Column(name="age", dtype="float64", nullable=True), SHAPED, WHO), both, ROWS) is None
    assert watched((AGE,), EndpointSpec(unseen_category="warn"), ROWS) is None
    assert watched((CITY,), EndpointSpec(out_of_range="warn"), ROWS) is None


@pytest.mark.parametrize("columns", [(AGE, ROOMS), (AGE, ROOMS, CITY)], ids=["matrix", "columns"])
def test_what_is_warned_of(columns: tuple[Column, ...]) -> None:
    found = watched(columns, EndpointSpec(unseen_category="warn", out_of_range="warn"), ROWS)
    wanted = [Unusual("unseen_category", "rooms", 1), Unusual("out_of_range", "age", 2)]
    assert found == (wanted if len(columns) == 2 else [wanted[0], Unusual("unseen_category", "city", 1), wanted[1]])
    assert watched(columns, EndpointSpec(unseen_category="warn", out_of_range="warn"), ROWS[:1]) == []


@pytest.mark.parametrize("columns", [(AGE, ROOMS), (AGE, ROOMS, CITY)], ids=["matrix", "columns"])
def test_what_is_refused(columns: tuple[Column, ...]) -> None:
    with pytest.raises(SignatureMismatch) as caught:
        watched(columns, EndpointSpec(unseen_category="refuse", out_of_range="refuse"), ROWS)
    detail = [(entry["row"], entry["column"], entry["got"]) for entry in caught.value.detail]
    city = [] if len(columns) == 2 else [(1, "city", '"bonn"')]
    assert detail == [(1, "rooms", "4.0"), *city, (1, "age", "-1.0"), (3, "age", "120.5")]
    assert caught.value.detail[0]["expected"] == "a category seen in training: 1, 2, 3"
    assert caught.value.detail[-1]["expected"] == "a number from 0 to 120, as seen in training"


def test_one_way_can_be_refused_and_the_other_told() -> None:
    spec = EndpointSpec(unseen_category="warn", out_of_range="refuse")
    assert watched((AGE, CITY), spec, [ROWS[0] | {"city": "Ulm"}]) == [Unusual("unseen_category", "city", 1)]
    with pytest.raises(SignatureMismatch, match="column 'age'"):
        watched((AGE, CITY), spec, ROWS)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_numbers_and_booleans_as_categories(dtype: Any) -> None:
    column = Column(name="n", dtype=dtype, categories=(True,) if dtype == "bool" else (1, 2))
    rows: list[dict[str, Any]] = [{"n": True}, {"n": False}] if dtype == "bool" else [{"n": 1}, {"n": 3}]
    assert watched((column,), EndpointSpec(unseen_category="warn"), rows) == [Unusual("unseen_category", "n", 1)]


def test_the_header_is_short_and_safe() -> None:
    unusual = [Unusual("out_of_range", 'a;b, "ü"\r\nX: y' + "z" * 100, 3)]
    line = header_line(unusual * 10).decode()
    assert line.startswith("Headgate-Warnings: out_of_range;column=a%3Bb%2C%20%22%C3%BC%22%0D%0AX%3A%20yz")
    assert line.endswith(";rows=3, more;columns=2\r\n")
    assert line.isascii()
    assert line.count("\r\n") == 1


def test_over_a_worker(home: Home, start: Callable[..., WorkerProcess]) -> None:
    bundle = build_bundle(home.cache)
    publish(home, route_table(bundle, "told", spec=EndpointSpec(out_of_range="warn")))
    publish(home, route_table(bundle, "strict", spec=EndpointSpec(out_of_range="refuse")))
    publish(home, route_table(bundle, "plain"))
    worker = start(home)
    rows = [{"age": 1, "income": 2, "balance": 3}, {"age": 1000, "income": -1000, "balance": 3}]
    table = stream(pa.Table.from_pylist(rows))
    plain = worker.predict({"rows": rows}, "plain")
    assert "headgate-warnings" not in plain.headers
    for answer in (worker.predict({"rows": rows}, "told"), worker.predict(table, "told", Content_Type=ARROW)):
        assert (answer.status, answer.json["probabilities"]) == (200, plain.json["probabilities"])
        told = ", ".join(f"out_of_range;column={name};rows=1" for name in ("age", "income"))
        assert answer.headers["headgate-warnings"] == told
        assert answer.headers["headgate-model"] == "fraud:1"
    assert "headgate-warnings" not in worker.predict({"rows": rows[:1]}, "told").headers
    for refused in (worker.predict({"rows": rows}, "strict"), worker.predict(table, "strict", Content_Type=ARROW)):
        assert (refused.status, refused.json["code"]) == (422, "SIGNATURE_MISMATCH")
        assert [(entry["row"], entry["column"]) for entry in refused.json["detail"]] == [(1, "age"), (1, "income")]
    assert worker.predict({"rows": rows[:1]}, "strict").status == 200
    assert (
        metric(worker.ask("GET", "/metrics").body.decode(), UNUSUAL, endpoint="told", column="age", kind="out_of_range")
        == 2
    )
