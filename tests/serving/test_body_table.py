"""Every kind of hostile or mistaken body: status, code, shape of the error, and that the connection goes on.

JSON that is no JSON is 400, JSON that does not fit the contract 422, whatever another server calls it: numbers that no
column holds, unknown fields and shapes are of the second kind. What `test_predict.py` lists is sent here again, on one
connection, with a good request after each.
"""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.serving.tables import ARROW, NDJSON, PARQUET, parquet, stream
from tests.serving.test_predict import MALFORMED, MISMATCHED
from tests.serving.worker_process import PREDICT, Wire, WorkerProcess, request

from headgate.errors import SignatureMismatch
from headgate.records import Column, Signature
from headgate.serving.contract import Contract
from headgate.serving.formats.json import JsonFormat

JSON, CSV = "application/json", "text/csv"
CODES = {400: "MALFORMED", 413: "TOO_LARGE", 415: "UNSUPPORTED_TYPE", 422: "SIGNATURE_MISMATCH"}
GOOD = b'{"instances": [[1, 2, 3]]}'
ROW = b'{"age": 1, "income": 2, "balance": 3}'
TABLE = pa.table({"age": [1.0], "income": [2.0], "balance": [3.0]})


def cell(value: bytes) -> bytes:
    return b'{"rows": [{"age": %b, "income": 2, "balance": 3}]}' % value


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + closing * depth


# name → content type, body, status
CASES: dict[str, tuple[str, bytes, int]] = {
    # numbers: a column of floats takes any whole number that a float can hold
    "2^53 + 1": (JSON, cell(b"9007199254740993"), 200),
    "2^63": (JSON, cell(b"9223372036854775808"), 200),
    "2^64 is a float, as the column is": (JSON, cell(b"18446744073709551616"), 200),
    "5,000 digits": (JSON, cell(b"9" * 5000), 422),
    "100,000 digits": (JSON, cell(b"9" * 100_000), 422),
    "minus zero": (JSON, cell(b"-0.0"), 200),
    "1e308": (JSON, cell(b"1e308"), 200),
    "1e99999999999999": (JSON, cell(b"1e99999999999999"), 400),
    # depth
    "64 deep is a mismatch": (JSON, cell(nested(64)), 422),
    "101 deep is a mismatch": (JSON, cell(nested(101)), 422),
    "100,000 deep": (JSON, cell(nested(100_000)), 400),
    "250,000 objects deep": (JSON, nested(250_000, b'{"a":', b"}"), 400),
    "deep in an unknown field": (JSON, b'{"x": %b, "rows": [%b]}' % (nested(100_000), ROW), 400),
    "deep in text is text": (JSON, cell(json.dumps(nested(100_000).decode()).encode()), 422),
    # envelope
    "__proto__": (JSON, b'{"__proto__": {}, "rows": [%b]}' % ROW, 422),
    "__class__": (JSON, b'{"__class__": 1, "rows": [%b]}' % ROW, 422),
    "constructor": (JSON, b'{"constructor": 1, "rows": [%b]}' % ROW, 422),
    "unknown field twice": (JSON, b'{"x": 1, "x": 2, "rows": [%b]}' % ROW, 422),
    # names
    "a space behind a name": (JSON, b'{"rows": [{"age ": 1, "income": 2, "balance": 3}]}', 422),
    "upper case": (JSON, b'{"rows": [{"AGE": 1, "income": 2, "balance": 3}]}', 422),
    "another order": (JSON, b'{"rows": [{"balance": 3, "income": 2, "age": 1}]}', 200),
    # types
    "number as text": (JSON, cell(b'"1.5"'), 422),
    "1e3 as text": (JSON, cell(b'"1e3"'), 422),
    "boolean": (JSON, cell(b"true"), 422),
    "list for scalar": (JSON, cell(b"[1]"), 422),
    "object for scalar": (JSON, cell(b'{"a": 1}'), 422),
    "null": (JSON, cell(b"null"), 422),
    "all null": (JSON, b'{"rows": [{"age": null, "income": null, "balance": null}]}', 422),
    "empty text": (JSON, cell(b'""'), 422),
    "10 MB of text": (JSON, cell(b'"' + b"a" * 10_000_000 + b'"'), 422),
    "NUL in text": (JSON, cell(b'"\\u0000"'), 422),
    # rows
    "an empty row": (JSON, b'{"rows": [{}]}', 422),
    "rows of different names": (JSON, b'{"rows": [%b, {"age": 1}]}' % ROW, 422),
    "as many rows as may be": (JSON, b'{"instances": [%b]}' % b",".join([b"[1,2,3]"] * 10_000), 200),
    "one row more": (JSON, b'{"instances": [%b]}' % b",".join([b"[1,2,3]"] * 10_001), 413),
    "one row more in CSV": (CSV, b"age,income,balance\n" + b"1,2,3\n" * 10_001, 413),
    "one row more in lines": (NDJSON, b"[1,2,3]\n" * 10_001, 413),
    "one row more in Arrow": (ARROW, stream(TABLE.take(pa.array([0] * 10_001))), 413),
    "one row more in Parquet": (PARQUET, parquet(TABLE.take(pa.array([0] * 10_001))), 413),
    "an id twice": (JSON, b'{"instances": [[1,2,3],[1,2,3]], "ids": ["a", "a"]}', 422),
    "an id of 1 MB": (JSON, b'{"instances": [[1,2,3]], "ids": ["%b"]}' % (b"a" * 1_000_000), 422),
    "an id with a line break is text": (JSON, b'{"instances": [[1,2,3]], "ids": ["a\\r\\nX: y"]}', 200),
    # CSV
    "a formula": (CSV, b"age,income,balance\n=cmd(),2,3\n", 422),
    "mixed delimiters": (CSV, b"age,income;balance\n1,2;3\n", 422),
    "a NUL in CSV": (CSV, b"age,income,balance\n1,2,\x00\n", 400),
    "a line of 10 MB": (CSV, b"age,income,balance\n" + b"1" * 10_000_000, 400),
    "an open quote": (CSV, b'age,income,balance\n"1,2,3\n', 400),
    # Arrow
    "wrong magic in Arrow": (ARROW, b"ARROW1\0\0" + stream(TABLE), 400),
    "an Arrow file is no stream": (ARROW, b"ARROW1", 400),
    "empty Arrow": (ARROW, b"", 400),
    "Arrow without its end marker is whole": (ARROW, stream(TABLE)[:-8], 200),
    "Arrow cut in a batch": (ARROW, stream(TABLE)[:-20], 400),
    "Arrow without batches": (ARROW, stream(TABLE.slice(0, 0)), 422),
    "JSON as Arrow": (ARROW, GOOD, 400),
    "an extension type is a mismatch": (
        ARROW,
        stream(TABLE.set_column(0, "age", pa.array([b"x" * 16], pa.uuid()))),
        422,
    ),
    "a type that no column has": (ARROW, stream(TABLE.set_column(0, "age", pa.array([{"a": 1}]))), 422),
    # Parquet
    "wrong magic in Parquet": (PARQUET, b"PAR2" + parquet(TABLE)[4:-4] + b"PAR2", 400),
    "empty Parquet": (PARQUET, b"", 400),
    "Parquet cut": (PARQUET, parquet(TABLE)[:-9], 400),
    "Parquet without a footer": (PARQUET, parquet(TABLE)[:60], 400),
    "a footer longer than the file": (PARQUET, b"PAR1\xff\xff\xff\x7fPAR1", 400),
    "nothing but magic": (PARQUET, b"PAR1PAR1", 400),
    # other formats
    "npy": ("application/x-npy", np.lib.format.magic(1, 0) + b"x" * 20, 415),
    "pickle": ("application/octet-stream", b"cos\nsystem\n(S'id'\ntR.", 415),
    "multipart": ("multipart/form-data; boundary=" + "-" * 5000, b"-" * 5000, 415),
}
CASES |= {f"malformed: {name}": (JSON, body, 400) for name, body in MALFORMED.items()}
CASES |= {f"mismatch: {name}": (JSON, json.dumps(body).encode(), 422) for name, (body, _) in MISMATCHED.items()}


@pytest.fixture(scope="module")
def wire(worker: WorkerProcess) -> Iterator[Wire]:
    """One connection for all cases: none of them ends it."""
    with worker.wire() as found:
        yield found


@pytest.mark.parametrize("name", CASES)
def test_bodies(wire: Wire, name: str) -> None:
    content_type, body, status = CASES[name]
    target = PREDICT.format("fraud")
    answer = wire.send(request("POST", target, body, Content_Type=content_type)).response()
    assert answer.status == status, (answer.status, answer.body[:500])
    content: dict[str, Any] = answer.json
    assert content["id"] == answer.headers["headgate-id"]
    if status != 200:
        assert list(content) == ["error", "code", "detail", "id"]
        assert content["code"] == CODES[status]
        assert len(content["detail"]) <= 5
        assert len(answer.body) < 3000
        assert all(set(entry) == {"row", "column", "expected", "got"} for entry in content["detail"])
        assert "Traceback" not in content["error"]
    assert wire.send(request("POST", target, GOOD, Content_Type=JSON)).response().status == 200


HEADERS: dict[str, tuple[dict[str, str], int]] = {
    "an id with CR LF": ({"Headgate_Id": "a\r\nX: y"}, 200),  # two headers, as it was sent: the second is not read
    "an id of 1 MB": ({"Headgate_Id": "a" * 1_000_000}, 431),
    "a negative deadline": ({"Headgate_Timeout_Ms": "-1"}, 400),
    "a deadline that has passed": ({"Headgate_Timeout_Ms": "0"}, 504),
    "a deadline of 1e18": ({"Headgate_Timeout_Ms": "1e18"}, 400),
    "a deadline of 10^18": ({"Headgate_Timeout_Ms": str(10**18)}, 400),
    "a deadline that is no number": ({"Headgate_Timeout_Ms": "abc"}, 400),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_a_body(worker: WorkerProcess, name: str) -> None:
    headers, status = HEADERS[name]
    answer = worker.predict(GOOD, **headers)
    assert answer.status == status, answer
    assert "x" not in answer.headers
    assert worker.predict(GOOD).status == 200


def test_names_are_compared_as_they_are_written() -> None:
    """Two spellings of one letter are two names: which one is meant is not for us to guess."""
    composed, split = (unicodedata.normalize(form, "größe") for form in ("NFC", "NFD"))
    found = Contract(Signature(inputs=(Column(name=composed, dtype="float64"),)), 10)
    decode = JsonFormat().decoder(found)
    assert decode(json.dumps({"rows": [{composed: 1}]}).encode()).count == 1
    with pytest.raises(SignatureMismatch):
        decode(json.dumps({"rows": [{split: 1}]}).encode())
