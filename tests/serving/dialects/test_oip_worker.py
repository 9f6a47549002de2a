"""The Open Inference Protocol at a worker: binary tensors, outputs, metadata, statistics, repository, unknown names."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.serving.conftest import FRAUD
from tests.serving.dialects.test_oip import LENGTH, MATRIX, as_json, binary, tensor
from tests.serving.test_access import key
from tests.serving.worker_process import Response, WorkerProcess

from headgate.errors import NotFound, Unavailable
from headgate.home import Home, write_atomically
from headgate.metering.series_file import Totals
from headgate.records import AccessTable, Column, Limits, RouteTable, Signature, Variant
from headgate.serving.dialects.dialect import Question, Shown
from headgate.serving.dialects.oip import OpenInference
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

UNKNOWN = "Request for unknown model: 'x'{} is not found"
INFER = "/v2/models/fraud/infer"


def ask(worker: WorkerProcess, body: bytes, target: str = INFER, **headers: str) -> Response:
    return worker.ask("POST", target, body, **headers)


def test_binary_over_the_wire(worker: WorkerProcess) -> None:
    native = worker.predict({"instances": MATRIX}).json
    body, headers = binary(tensor("input", np.array(MATRIX)), parameters={"binary_data_output": True}, id="mine")
    length = {LENGTH.replace("-", "_"): headers[LENGTH.lower()].decode()}
    sent = {"plain": (body, {}), "gzip": (gzip.compress(body), {"Content_Encoding": "gzip"})}
    sent["deflate"] = (zlib.compress(body), {"Content_Encoding": "deflate"})
    for packed, more in sent.values():
        answer = ask(worker, packed, **length, **more)
        assert answer.status == 200, answer.body
        split = int(answer.headers[LENGTH.lower()])
        told = json.loads(answer.body[:split])
        assert told["id"] == "mine"
        labels = np.frombuffer(answer.body[split : split + 16], np.int64)
        chances = np.frombuffer(answer.body[split + 16 :], np.float64).reshape(2, 2)
        assert (labels.tolist(), chances.tolist()) == (native["predictions"], native["probabilities"])
    raw = ask(worker, np.array(MATRIX[:1]).tobytes(), Inference_Header_Content_Length="0")
    assert raw.body[int(raw.headers[LENGTH.lower()]) :][:8] == labels[:1].tobytes()


def test_outputs_that_are_asked_for(worker: WorkerProcess) -> None:
    inputs = json.loads(as_json(m=("FP64", [2, 3], sum(MATRIX, []))))
    one = ask(worker, json.dumps(inputs | {"outputs": [{"name": "probabilities"}]}).encode())
    assert [output["name"] for output in one.json["outputs"]] == ["probabilities"]
    none = ask(worker, json.dumps(inputs | {"outputs": [{"name": "nothing"}]}).encode())
    assert (none.status, "'nothing'" in none.json["error"]) == (400, True)
    late = ask(worker, json.dumps(inputs | {"parameters": {"timeout": 1}}).encode())
    assert late.status == 504, late.body


def test_metadata_and_configuration(worker: WorkerProcess) -> None:
    server = worker.ask("GET", "/v2").json
    assert server == worker.ask("GET", "/v2/").json
    assert "binary_tensor_data" in server["extensions"]
    for path in ("/v2/models/fraud", "/v2/models/fraud/versions/1"):
        model = worker.ask("GET", path).json
        assert [entry["name"] for entry in model["inputs"]] == list(FRAUD.features)
        assert model["outputs"][1] == {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]}
        config = worker.ask("GET", f"{path}/config").json
        assert config["max_batch_size"] == Limits().max_rows
        assert config["output"][1] == {"name": "probabilities", "data_type": "TYPE_FP64", "dims": [2]}
        assert worker.ask("GET", f"{path}/ready").json == {"name": "fraud", "ready": True}
    assert worker.ask("GET", "/v2/models").json == {"models": ["fraud", "price"]}
    assert worker.ask("GET", "/v2/health/live").json == {"live": True}


def test_statistics_grow_with_what_is_asked(worker: WorkerProcess) -> None:
    def counted(path: str = "/v2/models/price/versions/1/stats") -> Any:
        (found,) = [one for one in worker.ask("GET", path).json["model_stats"] if one["name"] == "price"]
        return found

    before = counted()
    for _ in range(3):
        assert ask(worker, as_json(m=("FP64", [2, 2], [1, 2, 3, 4])), "/v2/models/price/infer").status == 200
    after = counted("/v2/models/stats")
    assert (after["name"], after["version"]) == ("price", "1")
    assert after["inference_count"] - before["inference_count"] == 6
    assert after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"] == 3
    assert 1 <= after["execution_count"] - before["execution_count"] <= 3
    assert after["inference_stats"]["success"]["ns"] > before["inference_stats"]["success"]["ns"]


def test_the_repository(worker: WorkerProcess) -> None:
    entry = {"version": "1", "state": "READY", "reason": ""}
    for body in (b"", b"{}", b'{"ready": true}'):
        listed = ask(worker, body, "/v2/repository/index").json
        assert listed == [{"name": name} | entry for name in ("fraud", "price")]
    assert ask(worker, b"[]", "/v2/repository/index").status == 400
    assert ask(worker, b"", "/v2/repository/models/fraud/load").json == {"name": "fraud", "load": True}
    own = ask(worker, b'{"parameters": {"config": "{}"}}', "/v2/repository/models/fraud/load")
    assert own.status == 400
    unload = ask(worker, b"", "/v2/repository/models/fraud/unload")
    assert (unload.status, "headgate endpoint delete fraud" in unload.json["error"]) == (400, True)
    for what in ("load", "unload"):
        unknown = ask(worker, b"", f"/v2/repository/models/nobody/{what}")
        assert unknown.status == 404
        assert unknown.json["error"].startswith(f"failed to {what} 'nobody', Request for unknown model")


def test_what_there_is_not(worker: WorkerProcess) -> None:
    for target in ("/v2/models/nobody", "/v2/models/nobody/infer", "/v2/models/nobody/ready"):
        answer = worker.ask("POST" if target.endswith("infer") else "GET", target)
        assert answer.status == 404
        assert answer.json == {"error": "Request for unknown model: 'nobody' is not found"}
    for target in ("/v2/models/fraud/versions/9/infer", "/v2/models/fraud/versions/9"):
        answer = worker.ask("POST" if target.endswith("infer") else "GET", target)
        assert answer.status == 404
        assert answer.json == {"error": "Request for unknown model: 'fraud' version 9 is not found"}
    for target in ("/v2/logging", "/v2/models/fraud/generate", "/v2/systemsharedmemory/status", "/oip/x"):
        answer = worker.ask("GET", target)
        assert (answer.status, answer.json.keys()) == (404, {"error"})
    assert worker.ask("GET", "/v1/nothing").json["code"] == "NOT_FOUND"
    wrong = worker.ask("DELETE", "/v2/models/fraud")
    assert (wrong.status, wrong.json.keys()) == (405, {"error"})


@pytest.mark.parametrize(
    ("whose", "model", "version"),
    [
        ("triton", UNKNOWN.format(""), UNKNOWN.format(" version 2")),
        ("mlserver", "Model x not found", "Model x with version 2 not found"),
        ("kserve", "Model with name x does not exist.", "Model with name x does not exist."),
    ],
)  # fmt: skip
def test_whose_words_are_used(whose: Any, model: str, version: str) -> None:
    dialect = OpenInference()
    dialect.configure(Settings(oip_errors=whose))
    for detail, words in (({"endpoint": "x"}, model), ({"endpoint": "x", "version": "2"}, version)):
        _, body = dialect.error(NotFound("?", detail=[detail]), "id")
        assert json.loads(body) == {"error": words}


@pytest.fixture
def guarded(start: Callable[..., WorkerProcess], home: Home) -> WorkerProcess:
    publish(home, route_table(build_bundle(home.cache)))
    table = AccessTable(epoch=1, number=1, required=True, keys=(key("right", "*"), key("other", "other/staging")))
    write_atomically(home.access, msgspec.json.encode(table))
    return start(home, Settings(require_keys=True))


def test_keys_see_what_they_may_ask(guarded: WorkerProcess) -> None:
    def listed(secret: str) -> Any:
        return ask(guarded, b"", "/v2/repository/index", Authorization=f"Bearer {secret}")

    assert [entry["name"] for entry in listed("right").json] == ["fraud"]
    assert listed("other").json == []
    for path in ("/v2/models", "/v2/models/stats"):
        assert list(guarded.ask("GET", path, Authorization="Bearer other").json.values()) == [[]]
    assert guarded.ask("GET", "/v2", Authorization="Bearer other").status == 200
    hidden = ask(guarded, b"", "/v2/repository/models/fraud/load", Authorization="Bearer other")
    assert hidden.status == 404
    refused = ask(guarded, b"", "/v2/repository/models/fraud/unload", Authorization="Bearer right")
    assert (refused.status, "permission" in refused.json["error"]) == (403, True)


class Loading:
    """A node whose one endpoint is still being loaded."""

    name, ready, guarded = "headgate", False, False

    def totals(self) -> Totals:
        return {}

    def endpoints(self) -> list[Shown]:
        contract = Signature(inputs=(Column(name="x", dtype="float64"),))
        variants = (Variant(version="m:1", digest="d", form="onnx", placement="inline"),)
        table = RouteTable(endpoint="slow", epoch=1, generation=1, contract=contract, variants=variants)
        return [Shown(table, (), ready=False)]


def tell(does: str, body: bytes = b"", label: str = "") -> Any:
    """What the dialect says of it."""
    node = Loading()
    question = Question(does, node.endpoints()[0], label, {}, body, {})
    return json.loads(OpenInference().tell(question, node)[1])


def test_an_endpoint_that_is_being_loaded() -> None:
    entry = {"name": "slow", "version": "1", "state": "LOADING", "reason": "it is being loaded"}
    assert tell("index") == [entry]
    assert tell("index", b'{"ready": true}') == []
    assert tell("live") == {"live": True}
    assert tell("model")["outputs"] == []
    assert tell("stats")["model_stats"][0]["inference_count"] == 0
    for does, label in (("ready", ""), ("model_ready", ""), ("load", "slow")):
        with pytest.raises(Unavailable) as refusal:
            tell(does, label=label)
        head, _ = OpenInference().error(refusal.value, "id")
        assert head.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 1" in head
