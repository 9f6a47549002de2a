"""Predictions over a real worker: formats, validation, headers, errors."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.serving.conftest import FRAUD, NAN, POISON
from tests.serving.worker_process import PREDICT, WorkerProcess, metric, wait_for

from headgate.bundle.manifest import canonical_bytes
from headgate.home import Home
from headgate.records import AccessKey, AccessTable, Column
from headgate.settings import Settings
from headgate.spool.reading import read_records
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

ROW = {"age": 1.0, "income": 2.0, "balance": 3.0}


def newest_record(home: Home, endpoint: str, request_id: str) -> dict[str, Any]:
    """The record of a request: it is written after the answer."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        found[:] = [record for record in read_records(home.spool, endpoint, 1) if record["id"] == request_id]
        return bool(found)

    wait_for(look)
    return found[0]


def test_rows_instances_and_columns_mean_the_same(worker: WorkerProcess) -> None:
    rows: list[dict[str, float]] = [ROW, {"balance": 6, "age": 4, "income": 5}]
    wanted = [FRAUD.answer(row) for row in rows]
    forms = (
        {"rows": rows},
        {"instances": [[1, 2, 3], [4, 5, 6]]},
        {"columns": {"age": [1, 4], "income": [2, 5], "balance": [3, 6]}},
        {"whatever": [[1, 2, 3], [4, 5, 6]]},
    )
    for form in forms:
        answer = worker.predict(form)
        assert answer.status == 200, answer
        content = answer.json
        assert set(content) == {"id", "endpoint", "model", "predictions", "probabilities"}
        assert (content["endpoint"], content["model"]) == ("fraud", "fraud:1")
        assert content["predictions"] == [row["predictions"] for row in wanted]
        for got, row in zip(content["probabilities"], wanted, strict=True):
            assert got == pytest.approx(row["probabilities"], rel=1e-12)


def test_a_regression_has_no_probabilities(worker: WorkerProcess) -> None:
    content = worker.predict({"instances": [[1, 2], [3, 4]]}, "price").json
    assert content["predictions"] == [2001.0, 4003.0]
    assert "probabilities" not in content


def test_headers_of_an_answer(worker: WorkerProcess) -> None:
    answer = worker.predict({"rows": [ROW]}, Headgate_Id="my/id:1")
    assert answer.json["id"] == answer.headers["headgate-id"] == "my/id:1"
    assert (answer.headers["headgate-model"], answer.headers["headgate-variant"]) == ("fraud:1", "stable")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("value", ["a b", "x" * 129, "", 'a"b', "ä"])
def test_an_id_that_cannot_be_echoed_is_refused(worker: WorkerProcess, value: str) -> None:
    assert worker.predict({"rows": [ROW]}, Headgate_Id=value).status == 400


def test_own_row_ids_come_back(worker: WorkerProcess) -> None:
    assert worker.predict({"rows": [ROW, ROW], "ids": ["a", "b"]}).json["ids"] == ["a", "b"]
    for ids in (["a"], ["a", "a"], ["a", ""], ["a", 1], "ab", ["a", "b" * 129]):
        assert worker.predict({"rows": [ROW, ROW], "ids": ids}).status == 422


def test_csv_in_and_out(worker: WorkerProcess) -> None:
    answer = worker.predict(b"income,age,balance\r\n2,1,3\r\n5,4,6\r\n", Content_Type="text/csv; charset=utf-8")
    assert [row[1] for row in answer.json["probabilities"]] == [
        pytest.approx(FRAUD.answer({"age": age, "income": income, "balance": balance})["probabilities"][1])
        for age, income, balance in ((1, 2, 3), (4, 5, 6))
    ]
    table = worker.predict({"rows": [ROW], "ids": ["a"]}, Accept="text/html;q=0.5, text/csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.body.split(b"\r\n")[0] == b"id,predictions,probabilities_0,probabilities_1"
    assert table.body.split(b"\r\n")[1].startswith(b"a,1,0.40733340004593")
    assert worker.predict({"rows": [ROW]}, Accept="image/png").headers["content-type"] == "application/json"
    assert worker.predict({"rows": [ROW]}, Accept="text/csv;q=0, */*").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "multipart/form-data"],
)
def test_other_content_types_are_refused(worker: WorkerProcess, content_type: str) -> None:
    answer = worker.predict({"rows": [ROW]}, Content_Type=content_type)
    assert (answer.status, answer.json["code"]) == (415, "UNSUPPORTED_TYPE")
    assert "application/json, text/csv" in answer.json["error"]


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "space": b"  ",
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "number": b"1",
    "garbage behind": b'{"instances": [[1,2,3]]} x',
    "two documents": b"{} {}",
    "BOM": b'\xef\xbb\xbf{"instances": [[1,2,3]]}',
    "UTF-16": '{"instances": [[1,2,3]]}'.encode("utf-16"),
    "comment": b'{"instances": [[1,2,3]]} // x',
    "trailing comma": b'{"instances": [[1,2,3],]}',
    "leading zero": b'{"instances": [[01,2,3]]}',
    "plus": b'{"instances": [[+1,2,3]]}',
    "no digit": b'{"instances": [[.5,2,3]]}',
    "quotes": b"{'instances': [[1,2,3]]}",
    "hex": b'{"instances": [[0x1,2,3]]}',
    "invalid UTF-8": b'{"\xff": 1}',
    "overlong": b'{"\xc0\xaf": 1}',
    "lone surrogate": b'{"ids": ["\\ud800"], "instances": [[1,2,3]]}',
    "raw NUL": b'{"ids": ["\x00"]}',
    "NaN": b'{"instances": [[NaN,2,3]]}',
    "Infinity": b'{"instances": [[Infinity,2,3]]}',
    "minus Infinity": b'{"instances": [[-Infinity,2,3]]}',
    "1e999": b'{"instances": [[1e999,2,3]]}',
    "-1e99999": b'{"rows": [{"age": -1e99999}]}',
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 2000,
    "deep and closed": b"[" * 2000 + b"]" * 2000,
    "deep in a cell": b'{"instances": [[' + b"[" * 5000,
    "twice": b'{"instances": [[1,2,3]], "instances": [[4,5,6]]}',
    "twice in a row": b'{"rows": [{"age": 1, "income": 2, "balance": 3, "age": 4}]}',
    "twice with space": b'{"rows": [{"age" : 1, "income": 2, "balance": 3, "age"\n: 4}]}',
    "twice escaped": b'{"rows": [{"age": 1, "income": 2, "balance": 3, "\\u0061ge": 4}]}',
    "twice in columns": b'{"columns": {"age": [1], "income": [2], "balance": [3], "age": [4]}}',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_bodies(worker: WorkerProcess, name: str) -> None:
    answer = worker.predict(MALFORMED[name])
    assert (answer.status, answer.json["code"]) == (400, "MALFORMED"), answer


@pytest.mark.parametrize(
    "body", [b'{"ids": ["\xff"], "instances": []}', b'{"rows": [{"a": "\xc3\xa9\xffx"}]}', b'{"\xff": 1}']
)
def test_the_byte_that_is_not_utf8_is_named(worker: WorkerProcess, body: bytes) -> None:
    answer = worker.predict(body)
    assert (answer.status, answer.json["code"]) == (400, "MALFORMED")
    assert answer.json["error"].endswith(f"at byte {body.index(0xFF)}.")


def cell(row: int | None, column: str | None, expected: str, got: str) -> dict[str, Any]:
    return {"row": row, "column": column, "expected": expected, "got": got}


MISMATCHED: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "nothing": ({}, []),
    "two forms": ({"rows": [ROW], "instances": [[1, 2, 3]]}, []),
    "no rows": ({"rows": []}, []),
    "no instances": ({"instances": []}, []),
    "empty columns": ({"columns": {"age": [], "income": [], "balance": []}}, []),
    "unknown field": (
        {"rows": [ROW], "x": 1},
        [cell(None, "x", "one of rows, instances, columns, ids", "unknown field")],
    ),
    "rows is no list": ({"rows": ROW}, [cell(None, "rows", "array", "object")]),
    "columns is no object": ({"columns": [1]}, [cell(None, "columns", "object", "array")]),
    "a row is no object": ({"rows": [ROW, 1]}, [cell(1, None, "object", "number")]),
    "an instance is no list": ({"instances": [[1, 2, 3], 1]}, [cell(1, None, "array of 3 values", "number")]),
    "an instance is an object": (
        {"instances": [ROW]},
        [cell(0, None, "array of 3 values (objects are sent as rows)", "object")],
    ),
    "text": ({"instances": [[1, 2, 3], ["1.5", 2, 3]]}, [cell(1, "age", "float64", '"1.5"')]),
    "boolean": ({"rows": [ROW | {"income": True}]}, [cell(0, "income", "float64", "true")]),
    "null": ({"rows": [ROW | {"age": None}]}, [cell(0, "age", "float64", "null")]),
    "list in a cell": ({"rows": [ROW | {"age": [1]}]}, [cell(0, "age", "float64", "array")]),
    "missing": ({"rows": [{"age": 1, "income": 2}]}, [cell(0, "balance", "float64", "nothing")]),
    "misspelt": (
        {"rows": [{"Age": 1, "income": 2, "balance": 3}]},
        [cell(0, "Age", "a column of the contract", "unknown column"), cell(0, "age", "float64", "nothing")],
    ),
    "ragged": (
        {"instances": [[1, 2, 3], [1, 2], []]},
        [cell(1, None, "3 values", "2 values"), cell(2, None, "3 values", "0 values")],
    ),
    "ragged columns": (
        {"columns": {"age": [1, 2], "income": [1], "balance": [1, 2]}},
        [cell(1, "income", "2 values, as in the longest column", "1 values")],
    ),
    "column is no list": (
        {"columns": {"age": 1, "income": [1], "balance": [1]}},
        [cell(None, "age", "array of float64", "number")],
    ),
    "missing column": (
        {"columns": {"income": [1], "balance": [1]}},
        [cell(None, "age", "array of float64", "nothing")],
    ),
    "cell of a column": (
        {"columns": {"age": [1, "x"], "income": [1, 2], "balance": [1, 2]}},
        [cell(1, "age", "float64", '"x"')],
    ),
    "long text is cut": ({"instances": [["x" * 1000, 2, 3]]}, [cell(0, "age", "float64", '"' + "x" * 62 + "…")]),
    "five at most": (
        {"rows": [{"age": "x"}] * 100},
        [
            cell(row, name, "float64", got)
            for row in (0, 1)
            for name, got in (("age", '"x"'), ("income", "nothing"), ("balance", "nothing"))
        ][:5],
    ),
    "far down": ({"instances": [[1, 2, 3]] * 5000 + [[1, 2, "x"]]}, [cell(5000, "balance", "float64", '"x"')]),
}


@pytest.mark.parametrize("name", MISMATCHED)
def test_mismatches_are_named(worker: WorkerProcess, name: str) -> None:
    content, detail = MISMATCHED[name]
    answer = worker.predict(content)
    assert (answer.status, answer.json["code"]) == (422, "SIGNATURE_MISMATCH")
    assert answer.json["detail"] == detail


def test_numbers_too_long_for_any_column(worker: WorkerProcess) -> None:
    for digits in (400, 5000, 100_000):
        assert worker.predict(b'{"instances": [[%b, 2, 3]]}' % (b"9" * digits)).status in (400, 422)


def test_too_many_rows(worker: WorkerProcess) -> None:
    assert worker.predict({"instances": [[1, 2, 3]] * 10_000}).status == 200
    for form in ({"instances": [[1, 2, 3]] * 10_001}, {"rows": [ROW] * 10_001}, {"columns": {"age": [1] * 10_001}}):
        assert (worker.predict(form).status, worker.predict(form).json["code"]) == (413, "TOO_LARGE")


def test_a_model_that_fails_is_its_fault_and_says_nothing_of_its_inside(worker: WorkerProcess) -> None:
    answer = worker.predict({"instances": [[1, 2, 3], [POISON, 2, 3]]})
    assert (answer.status, answer.json["code"]) == (500, "MODEL_ERROR")
    assert "onnx" not in answer.json["error"].lower()
    answer = worker.predict({"instances": [[1, 2, 3], [NAN, 2, 3]]})
    assert (answer.status, answer.json["code"]) == (500, "MODEL_OUTPUT_INVALID")
    assert worker.predict({"instances": [[1, 2, 3]]}).status == 200


def test_timeouts(worker: WorkerProcess) -> None:
    assert worker.predict({"rows": [ROW]}, Headgate_Timeout_Ms="1000").status == 200
    assert worker.predict({"rows": [ROW]}, Headgate_Timeout_Ms="999999999").status == 200
    answer = worker.predict({"rows": [ROW]}, Headgate_Timeout_Ms="0")
    assert (answer.status, answer.json["code"]) == (504, "DEADLINE_EXCEEDED")
    for value in ("-1", "abc", "1e3", "", "9" * 18):
        assert worker.predict({"rows": [ROW]}, Headgate_Timeout_Ms=value).status == 400


def test_variants_by_name(worker: WorkerProcess) -> None:
    assert worker.predict({"rows": [ROW]}, Headgate_Variant="fraud:1").status == 200
    assert worker.predict({"rows": [ROW]}, Headgate_Variant="stable").status == 200
    assert worker.predict({"rows": [ROW]}, Headgate_Variant="fraud:2").status == 404
    assert worker.predict({"rows": [ROW]}, Headgate_Key="customer-1").status == 200


def test_lists_and_descriptions(worker: WorkerProcess) -> None:
    listed = worker.ask("GET", "/v1/endpoints").json
    assert [item["endpoint"] for item in listed["items"]] == ["fraud", "price"]
    one = worker.ask("GET", "/v1/endpoints/fraud").json
    assert one["variants"] == [{"model": "fraud:1", "role": "stable", "weight": 100}]
    assert [column["name"] for column in one["contract"]["inputs"]] == list(FRAUD.features)
    assert worker.ask("GET", "/v1/endpoints/nothing").status == 404
    assert worker.ask("GET", "/readyz").json == {"status": "ready"}


def test_requests_are_counted_and_recorded(worker: WorkerProcess) -> None:
    def counted(status: str) -> float:
        text = worker.ask("GET", "/metrics").body.decode()
        return metric(text, "headgate_requests_total", endpoint="price", status=status)

    before, refused = counted("200"), counted("422")
    worker.predict({"instances": [[7, 8]], "ids": ["mine"]}, "price", Headgate_Id="seen")
    worker.predict({"instances": [["x", 8]]}, "price")
    assert (counted("200"), counted("422")) == (before + 1, refused + 1)
    newest = newest_record(worker.home, "price", "seen")
    assert (newest["id"], newest["version"], newest["status"]) == ("seen", "price:1", 200)
    assert newest["inputs"] == {"a": [7.0], "b": [8.0], "row_ids": ["mine"]}
    assert newest["outputs"] == {"predictions": [8007.0]}


def test_keys(home: Home, start: Callable[..., WorkerProcess]) -> None:
    bundle = build_bundle(home.cache)
    publish(home, route_table(bundle))
    publish(home, route_table(bundle, "secret", environment="production"))
    digest = hashlib.sha256(b"hg_a_right").hexdigest()
    key = AccessKey(id="hg_a", sha256=digest, actor="me", predict=("default/staging",))
    home.access.write_bytes(canonical_bytes(AccessTable(epoch=1, number=1, keys=(key,))))
    worker = start(home, Settings(require_keys=True))
    right = {"Authorization": "Bearer hg_a_right"}
    for path in ("/healthz", "/readyz"):
        assert worker.ask("GET", path).status == 200
    for method, path in (
        ("GET", "/metrics"),
        ("GET", "/v1/endpoints"),
        ("GET", "/v1/endpoints/fraud"),
        ("GET", "/v1/endpoints/fraud/openapi.json"),
        ("POST", PREDICT.format("fraud")),
    ):
        answer = worker.ask(method, path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert worker.predict({"rows": [ROW]}, **right).status == 200
    assert worker.predict({"rows": [ROW]}, "secret", **right).status == 403
    assert worker.predict({"rows": [ROW]}, Headgate_Variant="fraud:1", **right).status == 403
    assert worker.ask("GET", "/v1/endpoints/secret", **right).status == 403
    assert [item["endpoint"] for item in worker.ask("GET", "/v1/endpoints", **right).json["items"]] == ["fraud"]
    for value in (
        "Bearer hg_a_wrong",
        "Bearer hg_a_righ",
        "hg_a_right",
        "Bearer",
        "Bearer " + "x" * 10_000,
        "Basic YTpi",
        "Bearer ä",
    ):
        assert worker.predict({"rows": [ROW]}, Authorization=value).status == 401


def test_columns_that_the_model_never_sees(home: Home, start: Callable[..., WorkerProcess]) -> None:
    others = (
        Column(name="region", dtype="string", roles=("segment",)),
        Column(name="at", dtype="datetime", roles=("event_time",)),
        Column(name="ssn", dtype="string", roles=("sensitive",)),
    )
    publish(home, route_table(build_bundle(home.cache, LinearModel(others=others))))
    worker = start(home)
    row = ROW | {"region": "north: 5", "at": "2026-01-02T03:04:05+01:00", "ssn": "123-45"}
    assert worker.predict({"rows": [row, ROW]}, Headgate_Id="x").status == 200
    record = newest_record(home, "fraud", "x")
    assert record["inputs"]["region"] == ["north: 5", None]
    assert record["inputs"]["ssn"] == [None, None]
    assert record["inputs"]["at"][0].startswith("2026-01-02T02:04:05")
    assert b"123-45" not in b"".join(path.read_bytes() for path in home.spool.rglob("*.seg"))
    assert worker.predict({"columns": {name: [value] for name, value in row.items()}}).status == 200
    assert worker.predict({"rows": [row | {"at": "yesterday"}]}).json["detail"][0]["column"] == "at"
    assert worker.predict({"instances": [[1, 2, 3]]}).status == 200
    assert worker.predict(b"age,income,balance,region\n1,2,3,\n", Content_Type="text/csv").status == 200


def test_the_example_of_the_document_works(worker: WorkerProcess) -> None:
    for endpoint in ("fraud", "price"):
        described = worker.ask("GET", f"/v1/endpoints/{endpoint}/openapi.json").json
        ((path, operations),) = described["paths"].items()
        example = operations["post"]["requestBody"]["content"]["application/json"]["example"]
        answer = worker.ask("POST", path, json.dumps(example).encode(), Content_Type="application/json")
        assert answer.status == 200
        schema = operations["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert set(schema["required"]) <= set(answer.json) <= set(schema["properties"])
