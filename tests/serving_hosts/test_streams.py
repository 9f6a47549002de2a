"""Answers in parts: from the model's own parts in a host to server-sent events, whatever happens in between."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EventStreamError
from tests.serving.worker_process import PREDICT, WorkerProcess, events_in, request
from tests.serving_hosts.packaged import packaged, served, written
from tests.serving_hosts.process import eventually

from headgate.client.client import Client
from headgate.errors import ModelError, SignatureMismatch
from headgate.home import Home
from headgate.spool.reading import read_records
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

# says the words of a row one by one; some words do harm
SOURCE = """
import os, time
from pathlib import Path
import numpy as np

class Model:
    def predict(self, rows):
        return np.array(rows.iloc[:, 0].tolist(), object)

    def stream(self, rows):
        texts = rows.iloc[:, 0].tolist()
        for place in range(max(len(text.split()) for text in texts)):
            part = np.array([(text.split(" ") + [""] * 99)[place] for text in texts], object)
            if "raise" in part:
                raise ValueError("a secret of the model")
            if "die" in part:
                os._exit(3)
            if "wait" in part:
                until = time.time() + 30
                while not Path("%s").exists() and time.time() < until:
                    time.sleep(0.01)
            if place:
                part = np.array([" " + word if word else "" for word in part], object)
            Path("%s").write_text(str(place))
            yield {"predictions": part}

model = Model()
"""
# comes closer, row by row
CLOSER = """
import numpy as np

class Model:
    def predict(self, rows):
        return np.asarray(rows, dtype=float)[:, 0]

    def stream(self, rows):
        for share in (0.25, 0.5, 1.0):
            yield self.predict(rows) * share

model = Model()
"""


class Files:
    """By which test and model talk to each other."""

    def __init__(self, folder: Path) -> None:
        self.go, self.place = folder / "go", folder / "place"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[WorkerProcess]:
    home = Home(tmp_path_factory.mktemp("streams")).create()
    model = written(home.path / "m.py", SOURCE % (files.go, files.place))
    texts = {"text": [f"some words {row}" for row in range(20)]}
    # hosts that tests end are of models of their own
    names = ("words", "late", "dying")
    bundles = [packaged(model, home, name=name, data=texts, task="other") for name in names]
    closer = written(home.path / "closer.py", CLOSER)
    bundles.append(packaged(closer, home, name="closer", data={"x": [1.0, 2.0]}, task="other"))
    publish(home, route_table(build_bundle(home.cache, LinearModel(task="regression")), "fraud"))
    with served(home, *bundles) as worker:
        yield worker


def rows(*texts: str) -> dict[str, Any]:
    return {"rows": [{"text": text} for text in texts]}


def test_parts_come_one_by_one_and_end(worker: WorkerProcess) -> None:
    events = worker.events(rows("one two three", "four"), "words", Headgate_Id="mine")
    assert [event.kind for event in events] == ["part", "part", "part", "end"]
    assert [event.data["predictions"] for event in events[:-1]] == [["one", "four"], [" two", ""], [" three", ""]]
    assert events[-1].data == {"id": "mine"}


def test_numbers_come_in_parts_and_the_last_is_what_is_recorded(worker: WorkerProcess) -> None:
    events = worker.events({"rows": [{"x": 4.0}, {"x": 8.0}]}, "closer", Headgate_Id="closer")
    assert [event.kind for event in events] == ["part", "part", "part", "end"]
    assert [event.data["predictions"] for event in events[:-1]] == [[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]]
    recorded: list[Any] = []

    def find() -> bool:
        recorded[:] = [each for each in read_records(worker.home.spool, "closer", 100) if each["id"] == "closer"]
        return bool(recorded)

    eventually(find)
    assert [each["outputs"]["predictions"] for each in recorded] == [[4.0, 8.0]]


def test_a_part_is_there_before_the_next_is_made(worker: WorkerProcess, files: Files) -> None:
    files.go.unlink(missing_ok=True)
    body = json.dumps(rows("first wait last")).encode()
    headers = {"Content_Type": "application/json", "Accept": "text/event-stream"}
    with worker.wire() as wire:
        wire.send(request("POST", PREDICT.format("words"), body, **headers))
        content = b""
        while b"first" not in content:
            content += wire.socket.recv(65536)
        assert b"last" not in content and b"Transfer-Encoding: chunked" in content
        files.go.touch()
        while not content.endswith(b"0\r\n\r\n"):
            content += wire.socket.recv(65536)
        # the connection goes on
        wire.send(request("GET", "/readyz"))
        assert wire.response().status == 200


def test_answers_keep_the_order_of_their_requests(worker: WorkerProcess) -> None:
    body = json.dumps(rows("a b")).encode()
    headers = {"Content_Type": "application/json", "Accept": "text/event-stream"}
    streamed = request("POST", PREDICT.format("words"), body, **headers)
    with worker.wire() as wire:
        wire.send(streamed + streamed + request("GET", "/readyz", Connection="close"))
        content = wire.rest()
    assert content.count(b"event: end") == 2
    assert content.rindex(b"event: end") < content.rindex(b"HTTP/1.1 200 OK")
    assert content.count(b"HTTP/1.1 200 OK") == 3


def test_an_old_client_gets_it_without_chunks(worker: WorkerProcess) -> None:
    body = json.dumps(rows("a b")).encode()
    head = f"POST {PREDICT.format('words')} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n"
    head += f"Content-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    with worker.wire() as wire:
        wire.send(head.encode() + body)
        head_text, _, content = wire.rest().partition(b"\r\n\r\n")
    assert b"Connection: close" in head_text and b"chunked" not in head_text
    assert [event.kind for event in events_in(content)] == ["part", "part", "end"]


def test_a_failure_after_a_part_is_an_event(worker: WorkerProcess) -> None:
    events = worker.events(rows("one raise"), "words")
    assert [event.kind for event in events] == ["part", "error"]
    assert events[-1].data["code"] == "MODEL_ERROR"
    assert "secret" not in events[-1].data["error"]


def spoken(worker: WorkerProcess, text: str) -> Iterator[bytes]:
    """The parts that boto3 gets."""
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=f"http://localhost:{worker.port}",
        region_name="eu-north-1",
        aws_access_key_id="anybody",
        aws_secret_access_key="anything",
    )
    body = json.dumps({"inputs": text}).encode()
    with closing(client):
        answer = client.invoke_endpoint_with_response_stream(EndpointName="words", Body=body)
        with closing(answer["Body"]) as events:
            for event in events:
                yield event["PayloadPart"]["Bytes"]


def test_boto3_gets_a_line_for_each_part(worker: WorkerProcess) -> None:
    lines = b"".join(spoken(worker, "one two three")).splitlines()
    assert [json.loads(line) for line in lines] == [{"predictions": [word]} for word in ("one", " two", " three")]


def test_boto3_raises_what_goes_wrong_after_a_part(worker: WorkerProcess) -> None:
    parts = spoken(worker, "one raise")
    assert json.loads(next(parts)) == {"predictions": ["one"]}
    with pytest.raises(EventStreamError, match="ModelStreamError") as caught:
        next(parts)
    assert "secret" not in str(caught.value)


def test_a_failure_before_any_part_is_an_ordinary_answer(worker: WorkerProcess) -> None:
    answer = worker.predict(rows("raise"), "words", Accept="text/event-stream")
    assert (answer.status, answer.json["code"]) == (500, "MODEL_ERROR")
    refused = worker.predict({"rows": [{"text": 1}]}, "words", Accept="text/event-stream")
    assert (refused.status, refused.json["code"]) == (422, "SIGNATURE_MISMATCH")


def test_a_deadline_in_between_is_an_event(worker: WorkerProcess, files: Files) -> None:
    files.go.unlink(missing_ok=True)
    events = worker.events(rows("one wait"), "late", Headgate_Timeout_Ms="1500")
    assert [event.kind for event in events] == ["part", "error"]
    assert events[-1].data["code"] == "DEADLINE_EXCEEDED"
    files.go.touch()


def test_nothing_more_is_made_for_who_has_left(worker: WorkerProcess, files: Files) -> None:
    files.go.unlink(missing_ok=True)
    body = json.dumps(rows("one wait " + "more " * 90)).encode()
    headers = {"Content_Type": "application/json", "Accept": "text/event-stream"}
    with worker.wire() as wire:
        wire.send(request("POST", PREDICT.format("words"), body, **headers))
        while b"one" not in wire.socket.recv(65536):
            pass
    # the worker has told its host by the time that it answers somebody else
    assert worker.ask("GET", "/readyz").status == 200
    eventually(lambda: worker.predict({"instances": [[1, 2, 3]]}).status == 200)
    files.go.touch()
    assert worker.predict(rows("next"), "words").json["predictions"] == ["next"]
    assert int(files.place.read_text()) < 90


def test_a_model_inside_the_worker_answers_in_one_part(worker: WorkerProcess) -> None:
    body = {"instances": [[1, 2, 3], [2, 3, 4]]}
    events = worker.events(body, "fraud")
    assert [event.kind for event in events] == ["part", "end"]
    assert events[0].data["predictions"] == worker.predict(body, "fraud").json["predictions"]


def test_the_whole_answer_for_whoever_asks_for_json(worker: WorkerProcess) -> None:
    assert worker.predict(rows("one two"), "words").json["predictions"] == ["one two"]


def test_the_client_gives_parts_and_raises(worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_DATA_URL", f"http://127.0.0.1:{worker.port}")
    with Client("http://127.0.0.1:1", "none") as client:
        parts = [part.predictions for part in client.stream("words", [{"text": "one two"}], timeout=20)]
        assert parts == [["one"], [" two"]]
        with pytest.raises(SignatureMismatch):
            list(client.stream("words", [{"text": 1}]))
        failing = client.stream("words", [{"text": "one raise"}])
        assert next(failing).predictions == ["one"]
        with pytest.raises(ModelError):
            next(failing)


def test_a_host_that_dies_in_between_is_told(worker: WorkerProcess) -> None:
    events = worker.events(rows("one die"), "dying")
    assert [event.kind for event in events] == ["part", "error"]
    assert events[-1].data["code"] == "MODEL_ERROR"
