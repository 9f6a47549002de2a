"""What holds for every request: nothing a client sends is our fault, names beat order, rows are independent."""

import json
import random
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.conftest import FRAUD
from tests.serving.worker_process import PREDICT, Response, WorkerProcess, request

ALLOWED = {200, 400, 413, 415, 422}
NUMBERS = st.floats(-1e6, 1e6)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(FRAUD.features, NUMBERS)), min_size=1, max_size=8)
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
names = st.sampled_from([*FRAUD.features, "ids", "rows", "instances", "columns", "x", ""])
documents = st.dictionaries(names, json_values | st.lists(st.dictionaries(names, json_values), max_size=3), max_size=3)


def check(answer: Response) -> None:
    assert answer.status in ALLOWED, answer
    if answer.status != 200:
        assert set(answer.json) == {"error", "code", "detail", "id"}
        assert len(answer.json["detail"]) <= 5
        assert "Traceback" not in answer.json["error"]
    assert answer.json["id"] == answer.headers["headgate-id"]


@relaxed
@given(st.binary(max_size=300))
def test_any_bytes(worker: WorkerProcess, body: bytes) -> None:
    check(worker.predict(body))
    check(worker.predict(body, Content_Type="text/csv"))


@relaxed
@given(st.text(alphabet='{}[]",:0123456789.eE+-\\ntrufalsage \n', max_size=80))
def test_almost_json(worker: WorkerProcess, text: str) -> None:
    check(worker.predict(text.encode()))
    check(worker.predict(b'{"instances": [[' + text.encode() + b"]]}"))


@relaxed
@given(documents)
def test_any_document(worker: WorkerProcess, document: dict[str, Any]) -> None:
    check(worker.predict(json.dumps(document).encode("utf-8", "surrogatepass")))


@relaxed
@given(st.text(max_size=60))
def test_any_table(worker: WorkerProcess, text: str) -> None:
    body = ("age,income,balance\n" + text).encode("utf-8", "surrogatepass")
    check(worker.predict(body, Content_Type="text/csv"))


@relaxed
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_names_means_nothing(
    worker: WorkerProcess, rows: list[dict[str, float]], chance: random.Random
) -> None:
    shuffled = [dict(chance.sample(list(row.items()), len(row))) for row in rows]
    first, second = (worker.predict({"rows": form}).json for form in (rows, shuffled))
    assert first["probabilities"] == second["probabilities"]


@relaxed
@given(ROWS)
def test_a_batch_answers_like_its_rows_alone(worker: WorkerProcess, rows: list[dict[str, float]]) -> None:
    together = worker.predict({"rows": rows}).json
    alone = [worker.predict({"rows": [row]}).json for row in rows]
    assert together["predictions"] == [answer["predictions"][0] for answer in alone]
    for got, single in zip(together["probabilities"], alone, strict=True):
        assert got == pytest.approx(single["probabilities"][0], rel=1e-12, abs=1e-300)


def test_concurrent_callers_get_their_own_rows(worker: WorkerProcess) -> None:
    wrong: list[tuple[Any, Any]] = []

    def ask(caller: int) -> None:
        chance = random.Random(caller)
        with worker.wire() as wire:
            for number in range(60):
                rows: list[list[Any]] = [
                    [caller, number * 10 + place] for place in range(chance.choice((1, 1, 1, 2, 7)))
                ]
                if chance.random() < 0.1:
                    rows[-1] = ["poison", 0]
                body = json.dumps({"instances": rows}).encode()
                name = f"{caller}-{number}"
                sent = request("POST", PREDICT.format("price"), body, Content_Type="application/json", Headgate_Id=name)
                answer = wire.send(sent).response()
                wanted = None if rows[-1][0] == "poison" else [first + 1000.0 * second for first, second in rows]
                if (answer.json.get("predictions"), answer.json["id"]) != (wanted, name):
                    wrong.append((answer, wanted))

    threads = [threading.Thread(target=ask, args=(caller,)) for caller in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_pipelined_callers_get_their_own_rows(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        wire.send(
            b"".join(
                request(
                    "POST",
                    PREDICT.format("price"),
                    json.dumps({"instances": [[0, number]]}).encode(),
                    Content_Type="application/json",
                )
                for number in range(300)
            )
        )
        assert [wire.response().json["predictions"] for _ in range(300)] == [[1000.0 * n] for n in range(300)]


def test_a_poisonous_caller_spoils_nobody_else(worker: WorkerProcess) -> None:
    good = request("POST", PREDICT.format("fraud"), b'{"instances": [[1,2,3]]}', Content_Type="application/json")
    poison = request("POST", PREDICT.format("fraud"), b'{"instances": [[666,2,3]]}', Content_Type="application/json")
    # in one piece, so that they are one batch
    with worker.wire() as wire:
        wire.send((good * 3 + poison) * 5)
        assert [wire.response().status for _ in range(20)] == [200, 200, 200, 500] * 5
