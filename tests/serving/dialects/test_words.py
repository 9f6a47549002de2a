"""What the clients of each dialect compare: statuses, sentences, shapes; and what they may write in several ways."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from tests.serving.dialects.kinds import KINDS, publish_kind
from tests.serving.dialects.speakers import OF_ROWS
from tests.serving.worker_process import Response, WorkerProcess, wait_for

from headgate.home import Home
from headgate.records import EndpointSpec, Variant
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

ROW = {"age": 41.0, "income": 2.5, "balance": -3.0}
CELLS = list(ROW.values())
EVENT = {"specversion": "1.0", "id": "36077800", "source": "a.test", "type": "com.test"}
PREDICT, VERSIONS = "/v1/models/fraud:predict", "/v1/models/fraud/versions"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """`fraud`, version 1 with a candidate 2 of no weight, is what paths without a name mean; `file` takes bytes."""
    home = Home(tmp_path_factory.mktemp("words")).create()
    bundle = build_bundle(home.cache)
    other = build_bundle(home.cache, LinearModel(bias=1000.0))
    stable = Variant(version="fraud:1", digest=bundle.digest, form="onnx", placement="inline")
    candidate = Variant(
        version="fraud:2", digest=other.digest, form="onnx", placement="inline", role="candidate", weight=0
    )
    labels = (("champion", "fraud:1"), ("challenger", "fraud:2"))
    publish(home, route_table(bundle, variants=(stable, candidate), labels=labels))
    publish(home, route_table(bundle, "owned", spec=EndpointSpec(dialect="kserve")))
    publish_kind(home, KINDS["bytes"], "file")
    publish_kind(home, KINDS["text"], "text")
    publish_kind(home, KINDS["mixed"], "mixed")
    publish_kind(home, KINDS["one feature"], "single")
    process = WorkerProcess(home, Settings(default_endpoint="fraud"), module="tests.serving.fake_worker")
    wait_for(lambda: process.ask("GET", "/readyz").status == 200)
    yield process
    assert process.stop() == 0, process.logged


def post(worker: WorkerProcess, target: str, content: Any, **headers: str) -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return worker.ask("POST", target, body, **headers)


def multipart(content: bytes, kind: str = "") -> bytes:
    head = b'Content-Disposition: form-data; name="data"; filename="it"\r\n' + kind.encode()
    other = b'--edge\r\nContent-Disposition: form-data; name="more"\r\n\r\n1\r\n'
    return other + b"--edge\r\n" + head + b"\r\n" + content + b"\r\n--edge--\r\n"


# TensorFlow Serving


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (PREDICT, 1),
        ("/V1/Models/fraud:PREDICT", 1),
        (f"{VERSIONS}/1:predict", 1),
        (f"{VERSIONS}/0:predict", 1),
        (f"{VERSIONS}/2:predict", 2),
        ("/v1/models/fraud/labels/stable:predict", 1),
        ("/v1/models/fraud/labels/candidate:predict", 2),
        ("/v1/models/fraud/labels/champion:predict", 1),
        ("/v1/models/fraud/labels/challenger:predict", 2),
        ("/predictions/fraud/0", 1),
        ("/predictions/fraud/2", 2),
    ],
)
def test_versions(target: str, wanted: int, worker: WorkerProcess) -> None:
    answer = post(worker, target, {"instances": [CELLS]})
    assert (answer.status, answer.headers.get("headgate-model")) == (200, f"fraud:{wanted}"), answer.body


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("/v1/models/nobody:predict", "Latest(nobody)"),
        (f"{VERSIONS}/7:predict", "Specific(fraud, 7)"),
        ("/v1/models/fraud/labels/canary:predict", "Specific(fraud, canary)"),
    ],
)
def test_servables_that_there_are_not(target: str, wanted: str, worker: WorkerProcess) -> None:
    answer = post(worker, target, {"instances": [CELLS]})
    assert answer.status == 404
    assert answer.json == {"error": f"Servable not found for request: {wanted}"}


def test_status_of_versions(worker: WorkerProcess) -> None:
    def states(target: str) -> list[str]:
        content = worker.ask("GET", target).json
        assert content.keys() == {"model_version_status"}
        for each in content["model_version_status"]:
            assert each["state"] == "AVAILABLE"
            assert each["status"] == {"error_code": "OK", "error_message": ""}
        return [each["version"] for each in content["model_version_status"]]

    assert states("/v1/models/fraud") == states(f"{VERSIONS}/0") == ["1", "2"]
    assert states(f"{VERSIONS}/2") == states("/v1/models/fraud/labels/challenger") == ["2"]
    assert worker.ask("GET", f"{VERSIONS}/7").status == 404
    assert worker.ask("GET", f"{VERSIONS}/2/metadata").json["model_spec"]["version"] == "2"


def test_rows_columns_and_examples(worker: WorkerProcess) -> None:
    (row,) = post(worker, PREDICT, {"instances": [ROW]}).json["predictions"]
    columns = post(worker, PREDICT, {"inputs": {name: [cell] for name, cell in ROW.items()}}).json["outputs"]
    wrapped = post(worker, PREDICT, {"inputs": {name: [[cell]] for name, cell in ROW.items()}}).json["outputs"]
    assert columns == wrapped == {name: [value] for name, value in row.items()}
    bare = post(worker, PREDICT, {"signature_name": "predictions", "inputs": [CELLS]}).json
    assert bare == {"outputs": [row["predictions"]]}
    rest = {name: ROW[name] for name in ("income", "balance")}
    found = post(worker, "/v1/models/fraud:classify", {"context": {"age": 41.0}, "examples": [rest]}).json
    assert found == {"results": [[[str(label), row["probabilities"][label]] for label in (0, 1)]]}


def test_what_python_writes_is_missing_is_missing(worker: WorkerProcess) -> None:
    rows = [{**KINDS["mixed"].rows[0], "age": float("nan")}]
    plain = [{**KINDS["mixed"].rows[0], "age": None}]
    for target, field in (("/v1/models/mixed:predict", "instances"), ("/predictions/mixed", "instances")):
        assert post(worker, target, {field: rows}).body == post(worker, target, {field: plain}).body
    for cell in (b"NaN", b"Infinity", b"-Infinity", b"1e999"):
        assert post(worker, "/v1/models/single:predict", b'{"instances":[%b]}' % cell).status == 400


# KServe


def test_kserve_tells_what_there_is(worker: WorkerProcess) -> None:
    def told(target: str) -> tuple[int, Any]:
        answer = worker.ask("GET", target)
        return answer.status, answer.json

    assert told("/kserve/") == (200, {"status": "alive"})
    assert told("/kserve/v1/models") == (200, {"models": ["file", "fraud", "mixed", "owned", "single", "text"]})
    assert told("/kserve/v1/models/fraud") == told("/kserve/v1/models/fraud")
    assert told("/v1/models/owned") == (200, {"name": "owned", "ready": True})
    assert told("/kserve/v1/models/nobody") == (404, {"error": "Model with name nobody does not exist."})
    assert told("/kserve/v1/nothing") == (404, {"detail": "Not Found"})
    answer = post(worker, "/kserve/v1/models/nobody:predict", {"instances": [CELLS]})
    assert (answer.status, answer.json) == (404, {"error": "Model with name nobody does not exist."})
    assert post(worker, "/v1/models/owned:explain", {"instances": [CELLS]}).status == 501


def test_binary_events(worker: WorkerProcess) -> None:
    headers = {f"Ce_{name}": text for name, text in EVENT.items()}
    answer = post(worker, "/v1/models/owned:predict", {"instances": [CELLS]}, **headers)
    assert answer.json == {"predictions": [1]}
    attributes = {name: text for name, text in answer.headers.items() if name.startswith("ce-")}
    assert attributes.pop("ce-id") != EVENT["id"]
    assert attributes.pop("ce-time")
    assert attributes == {
        "ce-specversion": "1.0",
        "ce-source": "io.kserve.inference.owned",
        "ce-type": "io.kserve.inference.response",
    }
    del headers["Ce_id"]
    assert "ce-id" not in post(worker, "/v1/models/owned:predict", {"instances": [CELLS]}, **headers).headers


@pytest.mark.parametrize("content_type", ["application/cloudevents+json; charset=utf-8", "application/json"])
@pytest.mark.parametrize(
    "data",
    [
        {"data": {"instances": [CELLS]}},
        {"data": json.dumps({"instances": [CELLS]})},
        {"data_base64": "eyJpbnN0YW5jZXMiOiBbWzQxLjAsIDIuNSwgLTMuMF1dfQ=="},
    ],
    ids=["object", "text", "base64"],
)
def test_structured_events(data: dict[str, Any], content_type: str, worker: WorkerProcess) -> None:
    answer = post(worker, "/v1/models/owned:predict", EVENT | data, Content_Type=content_type)
    assert answer.headers["content-type"] == "application/cloudevents+json"
    assert answer.json["data"] == {"predictions": [1]}
    assert answer.json["type"] == "io.kserve.inference.response"


@pytest.mark.parametrize("data", [{}, {"data": 3}, {"data": "{"}, {"data_base64": "?"}, {"data": {"instances": 3}}])
def test_events_without_rows(data: dict[str, Any], worker: WorkerProcess) -> None:
    answer = post(worker, "/v1/models/owned:predict", EVENT | data)
    assert answer.status == 400
    assert answer.json.keys() == {"error"}


# MLflow

ONE_FIELD = "The input must be a JSON dictionary with exactly one of the input fields"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"{", "Failed to parse input from JSON. Ensure that input is a valid JSON formatted string."),
        (b"[1]", f"{ONE_FIELD} {{'dataframe_split', 'dataframe_records', 'instances', 'inputs'}}. Received a list"),
        (b'{"rows": []}', ONE_FIELD),
        (b'{"inputs": [], "instances": []}', ONE_FIELD),
        (b'{"dataframe_split": []}', "Dataframe split format must be a dictionary. Got list"),
        (b'{"dataframe_records": {}}', "Dataframe records format must be a list of records. Got dictionary."),
        (
            b'{"dataframe_split": {"colums": []}}',
            "Provided dataframe_split field is not a valid dataframe representation in 'split' format.",
        ),
    ],
)
def test_sentences_of_mlflow(body: bytes, wanted: str, worker: WorkerProcess) -> None:
    answer = post(worker, "/mlflow/invocations", body, Content_Type="application/json")
    assert answer.status == 400
    assert answer.json["error_code"] == "BAD_REQUEST"
    assert answer.json["message"].startswith(wanted)


@pytest.mark.parametrize(
    ("content_type", "wanted"),
    [
        ("application/json; charset=latin-1", "The scoring server only supports UTF-8"),
        ("application/json; format=pandas-split", "Unrecognized content type parameters: format"),
        ("text/plain", "This predictor only supports the following content types: Types: ['text/csv', "),
    ],
)
def test_types_that_mlflow_refuses(content_type: str, wanted: str, worker: WorkerProcess) -> None:
    answer = post(worker, "/mlflow/invocations", {"dataframe_records": [ROW]}, Content_Type=content_type)
    assert answer.status == 415
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.body.decode().startswith(wanted)


def test_fields_of_mlflow(worker: WorkerProcess) -> None:
    named, given = list(ROW), {"Content_Type": "application/json; charset=utf-8"}
    for content in (
        {"dataframe_split": {"columns": named[::-1], "data": [CELLS[::-1]], "index": [0]}},
        {"dataframe_split": {"data": [CELLS]}},
        {"dataframe_records": [ROW], "params": {"temperature": 1}},
        {"instances": [CELLS]},
        {"inputs": {name: [cell] for name, cell in ROW.items()}},
        {"inputs": [CELLS], "more": 1},
    ):
        assert post(worker, "/mlflow/invocations", content, **given).json == {"predictions": [1]}, content
    table = b"age,income,balance\n41,2.5,-3\n"
    assert post(worker, "/mlflow/invocations", table, Content_Type="text/csv").json == {"predictions": [1]}
    assert worker.ask("GET", "/mlflow/ping").body == b"\n"


# TorchServe


def test_forms_of_torchserve(worker: WorkerProcess) -> None:
    form = "multipart/form-data; boundary=edge"
    pairs = "application/x-www-form-urlencoded"
    row = json.dumps(ROW).encode()
    one = "/predictions/fraud"
    assert post(worker, one, row).body == b"1"
    assert post(worker, one, b"[" + row + b"]").body == b"[1]"
    assert post(worker, one, multipart(row), Content_Type=form).body == b"1"
    assert post(worker, one, multipart(row, "Content-Type: text/plain\r\n"), Content_Type=form).body == b"1"
    assert post(worker, one, row, Content_Type=pairs).body == b"1"
    coded = b"more=1&data=" + quote_plus(row).encode()
    assert post(worker, one, coded, Content_Type=pairs).body == b"1"
    for body, kind in ((multipart(row), "multipart/form-data"), (b"--edge", form), (b"--edge\r\n\r\n--edge--", form)):
        answer = post(worker, one, body, Content_Type=kind)
        assert (answer.status, answer.json["type"]) == (400, "BadRequestException")


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "image/jpeg"])
def test_files_of_torchserve(content_type: str, worker: WorkerProcess) -> None:
    """The model counts the letters of what it is given, bytes as Python shows them."""
    headers = {"Content_Type": content_type} if content_type else {}
    for endpoint, content in (("file", b"\xff\xd8 image"), ("text", b"some plain text")):
        wanted = len(str(content if endpoint == "file" else content.decode()))
        assert post(worker, f"/predictions/{endpoint}", content, **headers).json == wanted
        form = multipart(content, f"Content-Type: {content_type}\r\n" if content_type else "")
        answer = post(worker, f"/predictions/{endpoint}", form, Content_Type="multipart/form-data; boundary=edge")
        assert answer.json == wanted


@pytest.mark.parametrize(
    ("method", "target", "status", "kind", "message"),
    [
        ("POST", "/predictions/nobody", 404, "ModelNotFoundException", "Model not found: nobody"),
        (
            "POST", "/predictions/fraud/7", 404, "ModelVersionNotFoundException",
            "Model version: 7 does not exist for model: fraud",
        ),
        ("GET", "/models/nobody", 404, "ModelNotFoundException", "Model not found: nobody"),
        ("GET", "/torchserve/nothing", 404, "ResourceNotFoundException", ""),
        ("GET", "/predictions/fraud", 405, "MethodNotAllowedException", ""),
    ],
)  # fmt: skip
def test_exceptions_of_torchserve(
    method: str, target: str, status: int, kind: str, message: str, worker: WorkerProcess
) -> None:
    answer = worker.ask(method, target, b"{}" if method == "POST" else b"")
    assert (answer.status, answer.json["code"], answer.json["type"]) == (status, status, kind)
    assert message in answer.json["message"]


# Azure ML


def test_fields_of_azure(worker: WorkerProcess) -> None:
    split = {"columns": list(ROW), "data": [CELLS], "index": [0]}
    for content in (
        {"data": [ROW]},
        {"data": [CELLS]},
        {"input_data": split, "params": {}},
        {"input_data": {name: [cell] for name, cell in ROW.items()}},
        {"Inputs": {"data": [ROW]}, "GlobalParameters": 1.0},
        {"Inputs": {"WebServiceInput0": [ROW]}},
    ):
        assert post(worker, "/score", content).json == [1], content
    for content in ({"data": split | {"columns": ["age", "age", "age"]}}, {"data": [ROW], "input_data": [ROW]}, {}):
        assert post(worker, "/score", content).status == 400, content


# all


def test_an_endpoint_says_where_it_is_spoken(worker: WorkerProcess) -> None:
    def addresses(endpoint: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in worker.ask("GET", f"/v1/endpoints/{endpoint}").json["dialects"]:
            found.setdefault(each["dialect"], []).append(f"{each['method']} {each['path']}")
        return found

    fraud, owned = addresses("fraud"), addresses("owned")
    assert fraud["tfs"][0] == "POST /v1/models/fraud:predict"
    assert fraud["kserve"] == ["POST /kserve/v1/models/fraud:predict"]
    assert owned["tfs"][0] == "POST /tfs/v1/models/owned:predict"
    assert owned["kserve"] == ["POST /v1/models/owned:predict"]
    assert "POST /score" in fraud["azureml"]
    assert "azureml" not in owned
    for name in OF_ROWS:
        method, path = fraud[name][0].replace("{project}", "p").replace("{location}", "l").split(" ")
        answer = worker.ask(method, path, b"", Content_Type="application/json")
        assert answer.status == (424 if name == "sagemaker-runtime" else 400), (name, answer.body)
