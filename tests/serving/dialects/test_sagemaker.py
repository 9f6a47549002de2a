"""What SageMaker asks of a container: its shapes of JSON, CSV with and without a header, several models."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.conftest import FRAUD
from tests.serving.fuzzing import CONTRACT
from tests.serving.fuzzing import read as fuzz
from tests.serving.worker_process import Response, WorkerProcess, wait_for

from headgate.errors import HeadgateError, Malformed, SignatureMismatch, UnsupportedType
from headgate.home import Home
from headgate.records import Column, EndpointSpec, Signature
from headgate.serving.contract import Contract
from headgate.serving.dialects.sagemaker_bodies import BodyDecoder, answer_writer
from headgate.serving.formats.format import NO_HEADERS, Origin
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

TWO = Contract(Signature(inputs=(Column(name="a", dtype="float64"), Column(name="b", dtype="float64"))), 100)
TEXT = Contract(Signature(inputs=(Column(name="text", dtype="string"),)), 100)
MIXED = Contract(
    Signature(inputs=(Column(name="n", dtype="float64", nullable=True), Column(name="s", dtype="string"))), 100
)
BODIES = {
    b"application/json": b'{"instances": [[1.5, 3, "a:b", null]], "parameters": {"x": [1]}}',
    b"text/csv": b'1.5,3,"a:b",2026-01-02T03:04:05Z\r\n',
    b"application/jsonlines": b'{"features": [1.5, 3, "a:b", null]}\n{"features": [2, null, null, null]}\n',
}
WANTED = [[1.0, 2.0], [3.0, 4.0]]
LINES = b"application/jsonlines"


def read(body: Any, content_type: bytes = b"application/json", contract: Contract = TWO) -> list[list[Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    rows = BodyDecoder(contract).decode(raw, {"content-type": content_type})
    batch = contract.assemble([rows])
    if batch.matrix is not None:
        cells: list[list[Any]] = batch.matrix.tolist()
        return cells
    return [list(row) for row in zip(*(batch.columns[name].tolist() for name in contract.names), strict=True)]


@pytest.mark.parametrize(
    "body",
    [
        {"instances": WANTED},
        {"instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
        {"instances": [{"features": [1, 2]}, {"features": [3, 4]}]},
        {"inputs": WANTED},
        {"inputs": {"a": [1, 3], "b": [2, 4]}},
        {"inputs": WANTED, "parameters": {"top_k": 1}},
        {"rows": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
        {"columns": {"a": [1, 3], "b": [2, 4]}},
        WANTED,
        [{"a": 1, "b": 2}, {"a": 3, "b": 4}],
    ],
)
def test_rows_in_json(body: Any) -> None:
    assert read(body) == WANTED


def test_one_row_in_json() -> None:
    for body in ([1, 2], {"a": 1, "b": 2}, {"features": [1, 2]}):
        assert read(body) == [[1.0, 2.0]]


def test_text() -> None:
    for body in ({"inputs": "good"}, {"inputs": ["good"]}, {"instances": ["good"]}, ["good"], {"text": "good"}):
        assert read(body, contract=TEXT) == [["good"]]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"1,2\n3,4", b"text/csv"),
        (b"1,2\r\n3,4\r\n", b"text/csv; charset=utf-8"),
        (b"\xef\xbb\xbf1,2\n3,4\n", b"text/csv"),
        (b"a,b\n1,2\n3,4\n", b"text/csv"),
        (b"b,a\n2,1\n4,3\n", b"text/csv"),
        (b"a,b\n1,2\n3,4\n", b"text/csv; header=present"),
        (b"1,2\n3,4\n", b"text/csv;header=absent"),
    ],
)
def test_csv_with_and_without_a_header(body: bytes, content_type: bytes) -> None:
    assert read(body, content_type) == WANTED


def test_csv_of_text() -> None:
    assert read(b'1,"x, y"\n,text\n', b"text/csv", MIXED)[0] == [1.0, "x, y"]
    # a row that looks like a header is one where it is said so
    assert read(b"text\n", b"text/csv; header=absent", TEXT) == [["text"]]
    with pytest.raises(SignatureMismatch):
        read(b"text\n", b"text/csv", TEXT)


@pytest.mark.parametrize("content_type", [LINES, b"application/x-ndjson", b"application/jsonl"])
@pytest.mark.parametrize(
    "body", [b"[1,2]\n[3,4]\n", b'{"a":1,"b":2}\n{"a":3,"b":4}', b'{"features":[1,2]}\n\n{"features":[3,4]}\n']
)
def test_json_lines(body: bytes, content_type: bytes) -> None:
    assert read(body, content_type) == WANTED


def test_what_is_refused() -> None:
    for body in (b"", b"x", b"1,2,3", b"1\n", b'1,"2', b"a,c\n1,2\n", b"\xff,1\n"):
        with pytest.raises((Malformed, SignatureMismatch)):
            read(body, b"text/csv")
    for body in (b"3", b'"text"', b"null", b"[]", b"{}", b'{"inputs": 3}', b'{"instances": [], "inputs": []}'):
        with pytest.raises(HeadgateError):
            read(body)
    for content_type in (b"text/csv; charset=latin-1", b"application/x-npy", b"text/plain"):
        with pytest.raises(UnsupportedType, match="application/jsonlines"):
            read(b"1,2\n", content_type)


@pytest.mark.parametrize("kind", BODIES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_damaged_bodies(kind: bytes, data: st.DataObject) -> None:
    """Rows or a refusal, in bounded time, whatever was changed."""
    body = BODIES[kind]
    place, length = data.draw(st.integers(0, len(body))), data.draw(st.integers(0, 8))
    piece = data.draw(st.binary(max_size=8) | st.just(body[place : place + length] * 3))
    decode = BodyDecoder(CONTRACT).decode
    fuzz(lambda raw, _headers=NO_HEADERS, /: decode(raw, {"content-type": kind}), body[:place] + piece + body[place:])


def test_keys_that_come_twice_are_refused() -> None:
    for body in (b'{"rows": [{"a": 1, "a": 2, "b": 3}]}', b'[{"a": 1, "a": 2, "b": 3}]'):
        with pytest.raises(HeadgateError):
            read(body)
    with pytest.raises(HeadgateError):
        read(b'{"a": 1, "a": 2, "b": 3}\n', LINES)


def test_answers_by_what_is_accepted() -> None:
    outputs = {"predictions": np.array([0.5, 1.5]), "probabilities": np.array([[0.25, 0.75], [0.5, 0.5]])}
    write = answer_writer(Origin("fraud", "fraud:1"), {"X-More": "yes"})(outputs)

    def answer(accept: bytes | None) -> tuple[bytes, bytes]:
        headers = {"content-type": b"text/csv"} | ({} if accept is None else {"accept": accept})
        return write("id", 0, 2, BodyDecoder(TWO).decode(b"1,2\n3,4\n", headers))

    in_json = b'{"predictions":[0.5,1.5],"probabilities":[[0.25,0.75],[0.5,0.5]]}'
    assert [answer(accept)[1] for accept in (None, b"*/*", b"application/json", b"image/png")] == [in_json] * 4
    assert answer(b"text/csv")[1] == b"0.5\n1.5\n"
    lines = answer(b"application/jsonlines;verbose=true")
    assert json.loads(lines[1].splitlines()[1]) == {"predictions": 1.5, "probabilities": [0.5, 0.5]}
    assert b"Content-Type: application/jsonlines\r\n" in lines[0]
    assert b"X-More: yes\r\n" in lines[0]


def test_wide_predictions_in_csv() -> None:
    write = answer_writer(Origin("e", "m:1"), {})({"predictions": np.array([[1.0, 2.0], [3.0, 4.0]])})
    rows = BodyDecoder(TWO).decode(b"1,2\n3,4\n", {"content-type": b"text/csv", "accept": b"text/csv"})
    assert write("id", 1, 2, rows)[1] == b"3.0,4.0\n"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker that is a container of SageMaker first: `fraud`, which speaks it, is the default endpoint."""
    home = Home(tmp_path_factory.mktemp("container")).create()
    publish(home, route_table(build_bundle(home.cache, FRAUD), spec=EndpointSpec(dialect="sagemaker")))
    price = LinearModel(name="price", features=("a", "b"), weights=(1.0, 1000.0), task="regression")
    publish(home, route_table(build_bundle(home.cache, price), "price"))
    process = WorkerProcess(home, Settings(default_endpoint="fraud"))
    wait_for(lambda: process.ask("GET", "/readyz").status == 200)
    yield process
    assert process.stop() == 0, process.logged


def test_the_container(worker: WorkerProcess) -> None:
    assert worker.ask("GET", "/ping")[::2] == (200, b"")
    answer = worker.ask("POST", "/invocations", b"41,2.5,-3\n18,1e6,0.25\n", Content_Type="text/csv", Accept="text/csv")
    assert answer.status == 200, answer.body
    rows = [{"age": 41.0, "income": 2.5, "balance": -3.0}, {"age": 18.0, "income": 1e6, "balance": 0.25}]
    native = worker.predict({"rows": rows}).json["predictions"]
    assert [float(line) for line in answer.body.split()] == native


def test_several_models(worker: WorkerProcess) -> None:
    listed = worker.ask("GET", "/models").json["models"]
    assert [model["modelName"] for model in listed] == ["fraud", "price"]
    assert worker.ask("GET", "/sagemaker/models/price").json == listed[1]
    assert worker.ask("GET", "/sagemaker/models/nobody").json["type"] == "ModelNotFoundException"
    invoked = worker.ask("POST", "/models/price/invoke", b"[[1, 2]]", Content_Type="application/json")
    assert invoked.json["predictions"] == worker.predict({"rows": [{"a": 1, "b": 2}]}, "price").json["predictions"]


def test_models_are_not_loaded_with_keys_for_predictions(worker: WorkerProcess) -> None:
    def refused(answer: Response) -> None:
        assert answer.status == 403
        assert "headgate deploy" in answer.json["message"]

    refused(worker.ask("POST", "/models", b'{"model_name": "x", "url": "/opt/ml/models/x"}'))
    refused(worker.ask("DELETE", "/models/price"))
    assert worker.ask("GET", "/sagemaker/models/price").status == 200
