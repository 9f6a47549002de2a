"""SageMaker's runtime API as boto3 speaks it: answers, parts, errors and signatures."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import msgspec
import numpy as np
import pytest
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError
from tests.serving.conftest import FRAUD, POISON
from tests.serving.signing import SUBKEY, signed
from tests.serving.test_access import key
from tests.serving.worker_process import WorkerProcess, wait_for

from headgate.derived_secrets import signing_secret
from headgate.errors import DeadlineExceeded, ModelError
from headgate.home import Home, write_atomically
from headgate.records import AccessTable, EndpointSpec, Limits, RouteTable
from headgate.serving.dialects.sagemaker_events import EVENTS, PART_BYTES
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

ROWS = [{"age": 41.0, "income": 2.5, "balance": -3.0}, {"age": 18.0, "income": 1e6, "balance": 0.25}]
BODY = json.dumps({"instances": [list(row.values()) for row in ROWS]}).encode()
PREFIX = "/sagemaker-runtime"
CLIENTS: list[Any] = []


def client(worker: WorkerProcess, key_id: str = "anybody", secret: str = "anything", prefix: str = "") -> Any:
    """Only the address differs from what a user of SageMaker has, and the key."""
    made = boto3.client(
        "sagemaker-runtime",
        endpoint_url=f"http://localhost:{worker.port}{prefix}",
        region_name="eu-north-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )
    CLIENTS.append(made)
    return made


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Every client of a test, after it."""
    yield
    while CLIENTS:
        CLIENTS.pop().close()


def started(home: Home, settings: Settings) -> WorkerProcess:
    process = WorkerProcess(home, settings)
    wait_for(lambda: process.ask("GET", "/readyz").status == 200)
    return process


def with_candidate(table: RouteTable) -> RouteTable:
    """With version 2, which is asked by name only."""
    (stable,) = table.variants
    candidate = msgspec.structs.replace(stable, version="fraud:2", role="candidate", weight=0)
    return msgspec.structs.replace(table, variants=(stable, candidate))


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker of which nobody needs a key, with `fraud` and `slow`, which takes one request a second."""
    home = Home(tmp_path_factory.mktemp("runtime")).create()
    publish(home, with_candidate(route_table(build_bundle(home.cache, FRAUD))))
    limits = EndpointSpec(limits=Limits(requests_per_second=1, burst=1))
    publish(home, route_table(build_bundle(home.cache, LinearModel()), "slow", spec=limits))
    process = started(home, Settings())
    yield process
    assert process.stop() == 0, process.logged


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker that wants keys, or signatures with them."""
    home = Home(tmp_path_factory.mktemp("guarded")).create()
    publish(home, with_candidate(route_table(build_bundle(home.cache))))
    keys = (key("good", "*"), key("else", "other/staging"))
    table = AccessTable(epoch=1, number=1, required=True, keys=keys, signing=SUBKEY.hex())
    write_atomically(home.access, msgspec.json.encode(table))
    process = started(home, Settings(require_keys=True))
    yield process
    assert process.stop() == 0, process.logged


def failure(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_an_answer(worker: WorkerProcess, prefix: str) -> None:
    answer = client(worker, prefix=prefix).invoke_endpoint(
        EndpointName="fraud",
        Body=BODY,
        ContentType="application/json",
        Accept="application/json",
        InferenceId="mine-1",
        CustomAttributes="trace=7",
    )
    assert json.loads(answer["Body"].read())["predictions"] == worker.predict({"rows": ROWS}).json["predictions"]
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "stable"
    assert answer["CustomAttributes"] == "trace=7"
    assert answer["ResponseMetadata"]["RequestId"] == "mine-1"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["headgate-id"] == "mine-1"


def test_csv(worker: WorkerProcess) -> None:
    body = b"".join(b",".join(b"%r" % cell for cell in row.values()) + b"\n" for row in ROWS)
    answer = client(worker).invoke_endpoint(EndpointName="fraud", Body=body, ContentType="text/csv", Accept="text/csv")
    native = worker.predict({"rows": ROWS}).json["predictions"]
    assert [float(line) for line in answer["Body"].read().split()] == native


@pytest.mark.parametrize("variant", ["stable", "1", "fraud:1", "AllTraffic"])
def test_a_variant_by_name(worker: WorkerProcess, variant: str) -> None:
    answer = client(worker).invoke_endpoint(EndpointName="fraud", Body=BODY, TargetVariant=variant)
    assert answer["InvokedProductionVariant"] == "stable"


def test_every_request_directs_for_itself(worker: WorkerProcess) -> None:
    asked = client(worker)
    for number in range(3):
        answer = asked.invoke_endpoint(EndpointName="fraud", Body=BODY, InferenceId=f"n-{number}")
        assert answer["ResponseMetadata"]["RequestId"] == f"n-{number}"
        assert "CustomAttributes" not in answer
        with pytest.raises(asked.exceptions.ValidationError):
            asked.invoke_endpoint(EndpointName="fraud", Body=BODY, TargetVariant="nobody")


def test_a_target_model_is_the_endpoint_or_a_version(worker: WorkerProcess) -> None:
    asked = client(worker)
    for model in ("fraud", "fraud.tar.gz", "fraud:1"):
        assert asked.invoke_endpoint(EndpointName="fraud", Body=BODY, TargetModel=model)["Body"].read()
    for more in (
        {"TargetModel": "other.tar.gz"},
        {"TargetModel": "2", "TargetVariant": "1"},
        {"SessionId": "NEW_SESSION"},
    ):
        with pytest.raises(asked.exceptions.ValidationError):
            asked.invoke_endpoint(EndpointName="fraud", Body=BODY, **more)


def test_errors_are_those_of_boto3(worker: WorkerProcess) -> None:
    asked = client(worker)
    with pytest.raises(asked.exceptions.ValidationError) as unknown:
        asked.invoke_endpoint(EndpointName="nobody", Body=BODY)
    assert failure(unknown) == ("ValidationError", 400)
    with pytest.raises(asked.exceptions.ModelError) as misfit:
        asked.invoke_endpoint(EndpointName="fraud", Body=b'{"instances": [[1]]}')
    assert failure(misfit) == ("ModelError", 424)
    assert misfit.value.response["OriginalStatusCode"] == 422
    assert misfit.value.response["OriginalMessage"]
    with pytest.raises(asked.exceptions.ModelError) as failed:
        asked.invoke_endpoint(EndpointName="fraud", Body=f"{POISON},1,1\n".encode(), ContentType="text/csv")
    assert failed.value.response["OriginalStatusCode"] == 500
    with pytest.raises(asked.exceptions.ValidationError):
        asked.invoke_endpoint_async(EndpointName="fraud", InputLocation="s3://bucket/x")


def test_who_is_too_fast_is_throttled(worker: WorkerProcess) -> None:
    asked = client(worker)
    with pytest.raises(ClientError) as caught:
        for _ in range(5):
            asked.invoke_endpoint(EndpointName="slow", Body=BODY)
    assert failure(caught) == ("ThrottlingException", 429)


def test_parts(worker: WorkerProcess) -> None:
    answer = client(worker).invoke_endpoint_with_response_stream(EndpointName="fraud", Body=BODY, CustomAttributes="x")
    assert answer["ContentType"] == "application/jsonlines"
    assert (answer["InvokedProductionVariant"], answer["CustomAttributes"]) == ("stable", "x")
    content = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    (line,) = content.splitlines()
    assert json.loads(line)["predictions"] == worker.predict({"rows": ROWS}).json["predictions"]


def test_signed_requests_are_let_in(guarded: WorkerProcess) -> None:
    asked = client(guarded, "good", signing_secret(SUBKEY, "good"))
    answer = asked.invoke_endpoint(
        EndpointName="fraud", Body=BODY, ContentType="application/json", CustomAttributes="a  b", InferenceId="i"
    )
    assert len(json.loads(answer["Body"].read())["predictions"]) == 2
    stream = asked.invoke_endpoint_with_response_stream(EndpointName="fraud", Body=BODY)
    assert [list(event) for event in stream["Body"]] == [["PayloadPart"]]


@pytest.mark.parametrize(
    ("key_id", "secret", "code"),
    [
        ("good", "wrong", "InvalidSignatureException"),
        ("none", "wrong", "UnrecognizedClientException"),
        ("else", "", "AccessDeniedException"),
    ],
)
def test_other_signatures_are_refused(guarded: WorkerProcess, key_id: str, secret: str, code: str) -> None:
    asked = client(guarded, key_id, secret or signing_secret(SUBKEY, key_id))
    for ask in (asked.invoke_endpoint, asked.invoke_endpoint_with_response_stream):
        with pytest.raises(ClientError) as caught:
            ask(EndpointName="fraud", Body=BODY)
        assert failure(caught) == (code, 403)


def test_choosing_the_candidate_needs_more_than_a_key_for_predictions(
    guarded: WorkerProcess, worker: WorkerProcess
) -> None:
    asked = client(guarded, "good", signing_secret(SUBKEY, "good"))
    assert asked.invoke_endpoint(EndpointName="fraud", Body=BODY, TargetVariant="stable")["Body"].read()
    for ask in (asked.invoke_endpoint, asked.invoke_endpoint_with_response_stream):
        with pytest.raises(ClientError) as caught:
            ask(EndpointName="fraud", Body=BODY, TargetVariant="candidate")
        assert failure(caught) == ("AccessDeniedException", 403)
    # where no key is needed everybody may do everything
    answer = client(worker).invoke_endpoint(EndpointName="fraud", Body=BODY, TargetVariant="2")
    assert answer["InvokedProductionVariant"] == "candidate"


@pytest.mark.parametrize(
    "target",
    [
        "/v1/endpoints/fraud/predict",
        "/v2/models/fraud/infer",
        "/invocations",
        "/sagemaker/models/fraud/invoke",
        "/v1/models/fraud:predict",
    ],
)
def test_a_signature_is_as_good_as_a_key_at_every_address(guarded: WorkerProcess, target: str) -> None:
    def status(key_id: str, secret: str = "") -> int:
        headers = signed(key_id, "POST", target, BODY, secret=secret, Content_Type="application/json")
        return guarded.ask("POST", target, BODY, **headers).status

    assert status("good") in (200, 422, 400)
    assert status("good", "wrong") in (401, 403)
    assert status("else") == 403


def test_a_signature_opens_what_only_reads(guarded: WorkerProcess) -> None:
    for target in ("/v1/endpoints", "/v1/endpoints/fraud", "/metrics", "/sagemaker/models"):
        assert guarded.ask("GET", target, **signed("good", "GET", target)).status == 200
        assert guarded.ask("GET", target, **signed("good", "GET", "/other")).status in (401, 403)


def test_the_same_head_with_another_body_is_refused(guarded: WorkerProcess) -> None:
    target = "/endpoints/fraud/invocations"
    headers = signed("good", "POST", target, BODY, Content_Type="application/json")
    assert guarded.ask("POST", target, BODY, **headers).status == 200
    changed = BODY.replace(b"41.0", b"42.0")
    assert len(changed) == len(BODY)
    assert guarded.ask("POST", target, changed, **headers).status == 403


def test_events_are_read_by_botocore() -> None:
    """Parts as they come, a large one in several, and why no more come."""
    text = "x" * PART_BYTES
    buffer = EventStreamBuffer()
    buffer.add_data(EVENTS.part({"predictions": np.array(["one"], object)}))
    buffer.add_data(EVENTS.part({"predictions": np.array([text], object)}))
    buffer.add_data(EVENTS.error(ModelError("It failed."), "id") + EVENTS.error(DeadlineExceeded(), "id"))
    first, *large, failed, late = list(buffer)
    assert first.headers[":event-type"] == "PayloadPart"
    assert json.loads(first.payload) == {"predictions": ["one"]}
    assert json.loads(b"".join(event.payload for event in large)) == {"predictions": [text]}
    assert len(large) == 2
    assert failed.to_response_dict()["status_code"] == 400
    assert failed.headers[":exception-type"] == "ModelStreamError"
    assert json.loads(failed.payload) == {"Message": "It failed.", "ErrorCode": "MODEL_ERROR"}
    assert late.headers[":exception-type"] == "InternalStreamFailure"
    assert EVENTS.end("id", None) == b""
