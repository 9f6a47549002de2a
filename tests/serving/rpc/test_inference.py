"""The Open Inference Protocol over gRPC, on a real socket: the same answers as over HTTP."""

from typing import Any

import grpc
import numpy as np
import pytest
from tests.serving.conftest import POISON
from tests.serving.rpc.conftest import Caller, matrix, outputs_of, raw_request, refusal
from tests.serving.worker_process import WorkerProcess, metric

from headgate.serving.dialects.oip_messages import SERVICE, STREAM, message

ROWS = [{"age": 41.0, "income": 2.5, "balance": -3.0}, {"age": 18.0, "income": 1e6, "balance": 0.25}]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_raw_tensors(speaker: WorkerProcess, caller: Caller, rows: Any, dtype: Any) -> None:
    rows = [{name: min(value, 6e4) for name, value in row.items()} for row in rows]
    wanted = speaker.predict({"rows": rows}).json
    found = caller.infer(matrix(rows, dtype))
    assert found["predictions"].tolist() == wanted["predictions"]
    assert np.allclose(found["probabilities"], wanted["probabilities"])


def test_a_tensor_per_column(speaker: WorkerProcess, caller: Caller) -> None:
    arrays = {name: np.array([[row[name]] for row in ROWS], np.float32) for name in ROWS[0]}
    assert caller.infer(arrays)["predictions"].tolist() == speaker.predict({"rows": ROWS}).json["predictions"]


@pytest.mark.parametrize("kind", ["FP64", "FP32", "INT64", "INT32", "UINT32"])
def test_typed_tensors_are_answered_typed(speaker: WorkerProcess, caller: Caller, kind: str) -> None:
    field = {"FP64": "fp64", "FP32": "fp32", "INT64": "int64", "INT32": "int", "UINT32": "uint"}[kind]
    rows = [{"age": 41, "income": 2, "balance": 3}, {"age": 18, "income": 1000, "balance": 0}]
    cells = [value for row in rows for value in row.values()]
    tensor = {"name": "x", "datatype": kind, "shape": [2, 3], "contents": {f"{field}_contents": cells}}
    answer = caller.ask("ModelInfer", model_name="fraud", id="mine", inputs=[tensor])
    wanted = speaker.predict({"rows": rows}).json
    assert (answer.id, answer.model_name, answer.model_version) == ("mine", "fraud", "1")
    assert not answer.raw_output_contents
    found = {output.name: output for output in answer.outputs}
    assert list(found["predictions"].contents.int64_contents) == wanted["predictions"]
    assert found["probabilities"].shape == [2, 2]
    chances = found["probabilities"].contents
    assert np.allclose(
        np.reshape([*chances.fp32_contents, *chances.fp64_contents], (2, 2)), wanted["probabilities"], atol=1e-6
    )


def test_who_names_outputs_gets_those(caller: Caller) -> None:
    fields = raw_request(matrix(ROWS)) | {"outputs": [{"name": "predictions"}]}
    assert outputs_of(caller.ask("ModelInfer", **fields)).keys() == {"predictions"}


def test_a_version_may_be_named(caller: Caller) -> None:
    fields = raw_request(matrix(ROWS))
    assert caller.ask("ModelInfer", **fields, model_version="1").model_version == "1"
    assert refusal(lambda: caller.ask("ModelInfer", **fields, model_version="7")).code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"model_name": "nobody"}, "NOT_FOUND"),
        ({"model_name": "a/b"}, "INVALID_ARGUMENT"),
        ({"raw_input_contents": [b"1234"]}, "INVALID_ARGUMENT"),
        ({"raw_input_contents": [b"", b""]}, "INVALID_ARGUMENT"),
        ({"inputs": []}, "INVALID_ARGUMENT"),
        ({"inputs": [], "raw_input_contents": []}, "INVALID_ARGUMENT"),
        ({"inputs": [{"name": "x", "datatype": "FP9", "shape": [2, 3]}]}, "INVALID_ARGUMENT"),
        ({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1 << 60, 1 << 60]}]}, "INVALID_ARGUMENT"),
        ({"parameters": {"sequence_id": {"int64_param": 3}}}, "INVALID_ARGUMENT"),
        ({"model_name": ""}, "NOT_FOUND"),
    ],
)
def test_refusals(caller: Caller, fields: dict[str, Any], code: str) -> None:
    error: Any = refusal(lambda: caller.ask("ModelInfer", **(raw_request(matrix(ROWS)) | fields)))
    assert error.code().name == code, error.details()
    assert error.details()
    assert {name for name, _ in error.trailing_metadata()} >= {"headgate-code"}


def test_what_is_no_message_is_refused(caller: Caller) -> None:
    for name in ("ModelInfer", "ModelMetadata", "RepositoryModelLoad", "RepositoryIndex"):
        error: Any = refusal(lambda name=name: caller.method(name)(b"\xff" * 9, timeout=20))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_model_that_fails_is_an_internal_error(caller: Caller) -> None:
    error: Any = refusal(lambda: caller.infer(matrix([{**ROWS[0], "age": POISON}])))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert dict(error.trailing_metadata())["headgate-code"] == "MODEL_ERROR"


def test_deadlines_and_ids(caller: Caller) -> None:
    asked = message("ModelInferRequest")(**raw_request(matrix(ROWS)), id="call 7").SerializeToString()
    late: Any = refusal(lambda: caller.method("ModelInfer")(asked, metadata=[("headgate-timeout-ms", "0")], timeout=20))
    assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _, call = caller.method("ModelInfer").with_call(
        asked, metadata=[("headgate-id", "mine-1"), ("traceparent", trace)], timeout=20
    )
    said = dict(call.trailing_metadata())
    # who gives no id in the message finds ours there
    assert caller.ask("ModelInfer", [("headgate-id", "mine-2")], **raw_request(matrix(ROWS))).id == "mine-2"
    assert said["headgate-id"] == "mine-1"
    assert said["headgate-model"] == "fraud:1"
    assert said["traceresponse"].startswith("00-0af7651916cd43dd8448eb211c80319c-")


def test_a_stream_is_answered_in_order(speaker: WorkerProcess, caller: Caller) -> None:
    def requests() -> Any:
        for number in range(40):
            fields = raw_request(matrix(ROWS if number % 2 else ROWS[:1])) | {"id": str(number)}
            if number == 7:
                fields["model_name"] = "nobody"
            yield message("ModelInferRequest")(**fields).SerializeToString()

    stream = caller.channel.stream_stream(f"/{SERVICE}/{STREAM}")(requests(), timeout=20)
    answers = [message("ModelStreamInferResponse").FromString(each) for each in stream]
    assert len(answers) == 40
    assert "nobody" in answers[7].error_message
    wanted = speaker.predict({"rows": ROWS}).json["predictions"]
    for number, answer in enumerate(answers):
        if number != 7:
            assert answer.infer_response.id == str(number)
            found = outputs_of(answer.infer_response)["predictions"].tolist()
            assert found == (wanted if number % 2 else wanted[:1])


def test_what_there_is(caller: Caller) -> None:
    assert caller.ask("ServerLive").live
    assert caller.ask("ServerReady").ready
    assert caller.ask("ServerMetadata").name == "headgate"
    assert caller.ask("ModelReady", name="fraud").ready
    told = caller.ask("ModelMetadata", name="fraud")
    assert list(told.versions) == ["1"]
    assert [(each.name, each.datatype, list(each.shape)) for each in told.inputs][0] == ("age", "FP64", [-1])
    assert {each.name for each in told.outputs} >= {"predictions"}
    config = caller.ask("ModelConfig", name="fraud").config
    assert [(each.name, each.data_type) for each in config.input] == [("age", 12), ("income", 12), ("balance", 12)]
    index = caller.ask("RepositoryIndex", ready=True)
    assert {(each.name, each.state) for each in index.models} == {("fraud", "READY"), ("price", "READY")}
    caller.ask("RepositoryModelLoad", model_name="fraud")
    for name in ("RepositoryModelLoad", "RepositoryModelUnload"):
        missing: Any = refusal(lambda name=name: caller.ask(name, model_name="nobody"))
        assert missing.code() is grpc.StatusCode.NOT_FOUND
    kept: Any = refusal(lambda: caller.ask("RepositoryModelUnload", model_name="fraud"))
    assert kept.code() is grpc.StatusCode.UNIMPLEMENTED
    unknown: Any = refusal(lambda: caller.method("ModelDance")(b"", timeout=20))
    assert unknown.code() is grpc.StatusCode.UNIMPLEMENTED


def test_calls_are_counted_and_recorded(speaker: WorkerProcess, caller: Caller) -> None:
    def counted() -> float:
        return metric(speaker.ask("GET", "/metrics").body.decode(), "headgate_requests_total", endpoint="price")

    before = counted()
    caller.infer({"x": np.ones((4, 2))}, "price")
    assert counted() == before + 1
