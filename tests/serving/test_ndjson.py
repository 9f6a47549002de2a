"""Newline-delimited JSON: one row per line, as strict as native JSON, errors that name the line or the row."""

import json
from typing import Any

import numpy as np
import pytest
from tests.serving.conftest import FRAUD
from tests.serving.tables import NDJSON
from tests.serving.test_contract import FITS, MISFITS, plain
from tests.serving.worker_process import WorkerProcess

from headgate.errors import Malformed, SignatureMismatch, TooLarge
from headgate.records import Column, Dtype, Signature
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.format import Origin
from headgate.serving.formats.ndjson import NdjsonFormat

COLUMNS = (
    Column(name="x", dtype="float64"),
    Column(name="s", dtype="string", nullable=True),
    Column(name="who", dtype="string", roles=("entity",)),
)
FOUND = Contract(Signature(inputs=COLUMNS), 5)


def decode(body: bytes, found: Contract = FOUND) -> Rows:
    return NdjsonFormat().decoder(found)(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"x": 1, "s": "a"}\n{"x": 2, "s": null}\n',
        b'{"s": "a", "x": 1}\r\n{"s": null, "x": 2}',
        b'[1, "a"]\n[2, null]\n',
        b'\n{"x": 1, "s": "a"}\n\n  \n[2, null]\n\n',
    ],
)
def test_lines_are_rows(body: bytes) -> None:
    columns = FOUND.assemble([decode(body)]).columns
    assert [columns[name].tolist() for name in ("x", "s")] == [[1.0, 2.0], ["a", None]]


def test_roles_and_ids() -> None:
    rows = decode(b'{"id": "a", "x": 1, "s": ":", "who": "me"}\n{"x": 2, "s": "b", "id": "b"}\n')
    assert (rows.ids, rows.others) == (["a", "b"], {"who": ["me", None]})
    own = Contract(Signature(inputs=(Column(name="id", dtype="int64"),)), 5)
    rows = decode(b'{"id": 7}', own)
    assert (rows.ids, own.assemble([rows]).columns["id"].tolist()) == (None, [7])


@pytest.mark.parametrize("name", ['quo"te', "tab\t", "ünï:code"])
def test_any_name_of_a_column(name: str) -> None:
    found = Contract(Signature(inputs=(Column(name=name, dtype="float64"),)), 5)
    assert found.assemble([decode(json.dumps({name: 3}).encode(), found)]).columns[name].tolist() == [3.0]


@pytest.mark.parametrize(("dtype", "sent", "wanted"), FITS)
def test_values_that_fit(dtype: Dtype, sent: Any, wanted: Any) -> None:
    found = Contract(Signature(inputs=(Column(name="x", dtype=dtype),)), 5)
    batch = found.assemble([decode(json.dumps({"x": sent}).encode(), found)])
    assert [plain(value) for value in batch.columns["x"].tolist()] == [plain(wanted)]


@pytest.mark.parametrize(("dtype", "sent"), MISFITS)
def test_values_that_do_not_fit(dtype: Dtype, sent: Any) -> None:
    found = Contract(Signature(inputs=(Column(name="x", dtype=dtype), Column(name="s", dtype="string"))), 5)
    fine = next(value for kind, value, _ in FITS if kind == dtype)
    body = "\n".join(json.dumps({"x": value, "s": "a"}) for value in (fine, sent)).encode()
    with pytest.raises(SignatureMismatch) as caught:
        decode(body, found)
    if caught.value.detail:
        assert (caught.value.detail[0]["row"], caught.value.detail[0]["column"]) == (1, "x")


GOOD = b'{"x": 1, "s": "a"}\n'
BAD: dict[str, tuple[bytes, type[Exception], str]] = {
    "empty": (b"", SignatureMismatch, "0 rows"),
    "blank": (b"\n\n", SignatureMismatch, "0 rows"),
    "too many": (GOOD * 6, TooLarge, "6 rows"),
    "very many": (GOOD * 100_000, TooLarge, "Split"),
    "blank lines alone": (b"\n" * 1_000_000, TooLarge, "Split"),
    "not JSON": (GOOD + b"{x}\n", Malformed, "In line 2"),
    "NaN": (GOOD + b'{"x": NaN, "s": "a"}', Malformed, "In line 2"),
    "1e999": (GOOD + b'{"x": 1e999, "s": "a"}', Malformed, "In line 2"),
    "no UTF-8": (GOOD + b'{"x": 1, "s": "\xff"}', Malformed, "In line 2"),
    "lone surrogate": (GOOD + b'{"x": 1, "s": "\\ud800"}', Malformed, "In line 2"),
    "BOM": (b"\xef\xbb\xbf" + GOOD, Malformed, "In line 1"),
    "deep": (GOOD + b"[" * 100_000, Malformed, "In line 2"),
    "two on a line": (b'{"x": 1, "s": "a"} {"x": 2, "s": "b"}\n', Malformed, "one row per line"),
    "one over two lines": (b'{"x": 1,\n"s": "a"}\n', Malformed, "one row per line"),
    "both": (b'{"x": 1, "s": "a"} {"x": 2, "s": "b"}\n{"x": 1,\n"s": "a", "x": 2}', Malformed, "one whole row"),
    "a list of rows": (b'[{"x": 1, "s": "a"}]\n', SignatureMismatch, "expected"),
    "an envelope": (b'{"rows": [{"x": 1, "s": "a"}]}\n', SignatureMismatch, "'rows'"),
    "twice": (b'{"x": 1, "s": "a", "x": 2}\n', Malformed, "twice"),
    "twice, later": (GOOD + b'{"x": 1, "s": "a", "\\u0078": 2}\n', Malformed, "twice"),
    "unknown": (GOOD + b'{"x": 1, "s": "a", "z": 2}\n', SignatureMismatch, "row 1, column 'z'"),
    "missing": (GOOD + b'{"s": "a"}\n', SignatureMismatch, "row 1, column 'x'"),
    "null": (GOOD + b'{"x": null, "s": "a"}\n', SignatureMismatch, "row 1, column 'x'"),
    "ragged": (b'[1, "a"]\n[1]\n', SignatureMismatch, "row 1: expected 2 values"),
    "a number": (GOOD + b"3\n", SignatureMismatch, "row 1: expected object"),
    "some ids": (b'{"x": 1, "s": "a", "id": "a"}\n' + GOOD, SignatureMismatch, "one id per row"),
    "an id twice": (b'{"x": 1, "s": "a", "id": "a"}\n' * 2, SignatureMismatch, "must differ"),
    "an id that is a number": (b'{"x": 1, "s": "a", "id": 1}\n', SignatureMismatch, "column 'id'"),
    "a long id": (b'{"x": 1, "s": "a", "id": "%b"}\n' % (b"x" * 129), SignatureMismatch, "column 'id'"),
    "a huge number": (GOOD + b'{"x": 1, "s": ' + b"9" * 5000 + b"}\n", SignatureMismatch, "line 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_lines_that_are_refused(name: str) -> None:
    body, error, text = BAD[name]
    with pytest.raises(error, match=text):
        decode(body)


def test_answers_are_lines() -> None:
    outputs = {"predictions": np.array(["no", "yes"], dtype=object), "probabilities": np.eye(2)}
    body = NdjsonFormat().encoder(Origin("fraud", "fraud:1"))(outputs)
    assert [json.loads(line) for line in body("id", 0, 2, None).splitlines()] == [
        {"predictions": "no", "probabilities": [1.0, 0.0]},
        {"predictions": "yes", "probabilities": [0.0, 1.0]},
    ]
    assert json.loads(body("id", 1, 2, ["a"]))["id"] == "a"


def test_over_a_worker(worker: WorkerProcess) -> None:
    body = b'{"age": 1, "income": 2, "balance": 3, "id": "a"}\n' * 1
    answer = worker.predict(body, Content_Type=NDJSON, Accept=NDJSON)
    assert (answer.status, answer.headers["content-type"]) == (200, NDJSON)
    wanted = FRAUD.answer({"age": 1, "income": 2, "balance": 3})
    assert json.loads(answer.body) == {
        "id": "a",
        "predictions": wanted["predictions"],
        "probabilities": pytest.approx(wanted["probabilities"]),
    }
    large = b"\n".join(b'{"age": %d, "income": 2, "balance": %b3}' % (number, b" " * 100) for number in range(600))
    assert len(worker.predict(large, Content_Type=NDJSON).json["predictions"]) == 600
    assert worker.predict(large[:-1], Content_Type=NDJSON).status == 400
    assert worker.predict(body, Content_Type=NDJSON).status == 200
