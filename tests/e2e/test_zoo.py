"""The bad-model zoo on a node: each bad model beside two good ones, which notice nothing."""

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.records import EndpointSpec, Limits, RouteTable, Variant
from headgate.testing.bundles import BuiltBundle, build_bundle, route_table
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, until
from headgate.testing.zoo import LOAD_FAULTS, Fault, build_zoo

MB = 1024 * 1024
Answer = tuple[int, str]
OK: Answer = (200, "")
FAILED: Answer = (500, "MODEL_ERROR")
INVALID: Answer = (500, "MODEL_OUTPUT_INVALID")
POISON: Answer = (500, "POISON_REQUEST")
LATE: Answer = (504, "DEADLINE_EXCEEDED")

# what the bad request itself is told
TOLD: dict[Fault, Answer] = {
    Fault.RAISES: FAILED, Fault.LEAVES: FAILED, Fault.OUT_OF_MEMORY: FAILED, Fault.FORKS: FAILED,
    Fault.FILLS_DISK: FAILED, Fault.OPENS_SOCKETS: FAILED,
    Fault.EXITS: POISON, Fault.SEGFAULT: POISON,
    Fault.LOOPS: LATE, Fault.HOLDS: LATE, Fault.SLEEPS_LONG: LATE,
    Fault.NAN: INVALID, Fault.INFINITE: INVALID, Fault.TOO_MANY_ROWS: INVALID, Fault.SCALAR: INVALID,
    Fault.WRONG_SHAPE: INVALID, Fault.WRONG_DTYPE: INVALID, Fault.TEXT: INVALID, Fault.HUGE: INVALID,
    Fault.SLEEPS: OK, Fault.SLOW_AT_FIRST: OK, Fault.PRINTS: OK, Fault.WRITES: OK, Fault.THREADS: OK, Fault.LEAKS: OK,
    Fault.CHANGES_PROCESS: OK, Fault.CHANGES_NUMBERS: OK, Fault.ANSWERS_AT_RANDOM: OK,
}  # fmt: skip
SPEC = EndpointSpec(limits=Limits(timeout_ms=1_500))
PATIENT = EndpointSpec(limits=Limits(timeout_ms=30_000))
FRAUD = b'{"rows": [{"age": 1.0, "income": 2.0, "balance": 3.0}]}'
GOOD = b'{"rows": [{"fault": 0, "value": 3.0}]}'


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """`fraud` inside its worker, `good` in a host of its own."""
    node = Node(
        tmp_path_factory.mktemp("zoo"), fakes="control", workers=1, hang_seconds=10.0, load_seconds=5.0,
        acknowledge_seconds=10.0, host_memory_bytes=1024 * MB, host_growth_bytes=64 * MB, host_threads=40,
        host_open_files=256, host_file_bytes=32 * MB,
    )  # fmt: skip
    node.start()
    fraud = build_bundle(node.plane.folder / "made")
    node.plane.offer(fraud.folder)
    node.plane.publish(route_table(fraud), placed(offered(node, "good"), "good"))
    until(lambda: node.has("fraud", 1) and node.has("good", 1), "the good ones", 60)
    yield node
    node.clean()


@pytest.fixture(autouse=True)
def unharmed(node: Node) -> Iterator[None]:
    """Both good models are asked all the time, and never fail; the node is well afterwards."""
    workers = {worker.pid for worker in node.report.workers}
    with (
        Load(node.port, clients=2, path="/v1/endpoints/fraud/predict", body=FRAUD) as inline,
        Load(node.port, clients=2, path="/v1/endpoints/good/predict", body=GOOD) as hosted,
    ):
        until(lambda: inline.answered > 5 and hosted.answered > 5, "answers before")
        yield
        seen = inline.answered, hosted.answered
        until(lambda: inline.answered > seen[0] + 5 and hosted.answered > seen[1] + 5, "answers after")
    assert inline.failures == hosted.failures == []
    assert {worker.pid for worker in node.report.workers} == workers, "the worker is another"
    assert node.agent is not None and node.agent.poll() is None
    node.plane.withdraw("fraud", "good")


def offered(node: Node, name: str, prelude: str = "") -> BuiltBundle:
    built = build_zoo(node.plane.folder / "made", name=name, prelude=prelude)
    node.plane.offer(built.folder)
    return built


def placed(bundle: BuiltBundle, endpoint: str, spec: EndpointSpec = SPEC) -> RouteTable:
    variant = Variant(version=f"{endpoint}:1", digest=bundle.digest, form="native", placement="host")
    return route_table(bundle, endpoint, variants=(variant,), spec=spec)


def deployed(node: Node, endpoint: str, spec: EndpointSpec = SPEC) -> BuiltBundle:
    bundle = offered(node, endpoint)
    node.plane.publish(placed(bundle, endpoint, spec))
    until(lambda: node.has(endpoint, 1), "the bad one", 60)
    return bundle


def ask(node: Node, endpoint: str, fault: Fault = Fault.NONE, value: float = 1.0) -> Answer:
    """Status and code."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    body = json.dumps({"instances": [[fault, value]]})
    connection.request("POST", f"/v1/endpoints/{endpoint}/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content: dict[str, Any] = json.loads(answer.read())
    connection.close()
    if answer.status == 200:
        assert fault == Fault.ANSWERS_AT_RANDOM or content["predictions"] == [value]
        return OK
    assert str(node.home.path) not in content["error"] and "Traceback" not in content["error"]
    return answer.status, content["code"]


def at_once(calls: list[Callable[[], Answer]]) -> list[Answer]:
    answers: list[Answer] = [(0, "")] * len(calls)

    def run(place: int, call: Callable[[], Answer]) -> None:
        answers[place] = call()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_the_whole_zoo_is_shown() -> None:
    assert set(TOLD) == set(Fault) - {Fault.NONE}


@pytest.mark.parametrize("fault", TOLD, ids=lambda fault: fault.name)
def test_a_bad_model_is_told_apart_and_harms_nobody(node: Node, fault: Fault) -> None:
    endpoint = f"zoo-{fault.name.lower()}"
    deployed(node, endpoint)
    assert ask(node, endpoint, fault) == TOLD[fault]
    until(lambda: ask(node, endpoint) == OK, "a good answer by the same version")


@pytest.mark.parametrize("fault", [Fault.EXITS, Fault.SEGFAULT], ids=lambda fault: fault.name)
def test_of_a_thousand_requests_around_a_poison_only_it_fails(node: Node, fault: Fault) -> None:
    endpoint = f"poison-{fault.name.lower()}"
    bundle = deployed(node, endpoint, PATIENT)

    def many(start: int) -> Callable[[], Answer]:
        return lambda: next((answer for n in range(50) if (answer := ask(node, endpoint, value=start + n)) != OK), OK)

    poison = [lambda: ask(node, endpoint, fault)]
    answers = at_once([*(many(n * 50) for n in range(10)), *poison, *(many(n * 50) for n in range(10, 20))])
    assert answers.pop(10) == POISON
    assert answers == [OK] * 20
    until(lambda: restarts(node, bundle) == 2, "the report of two crashes")


def restarts(node: Node, bundle: BuiltBundle) -> int:
    return max(host.restarts for host in node.report.hosts if host.digest == bundle.digest)


def test_a_leaking_model_is_replaced_between_requests(node: Node) -> None:
    bundle = deployed(node, "leaking", PATIENT)
    first = host_pids(node.home, bundle.digest)

    def leak() -> Answer:
        return next((answer for _ in range(100) if (answer := ask(node, "leaking", Fault.LEAKS)) != OK), OK)

    assert at_once([leak] * 4) == [OK] * 4
    until(lambda: not set(host_pids(node.home, bundle.digest)) & set(first), "another host")
    assert restarts(node, bundle) == 0, "nothing has crashed"


def test_threads_that_a_model_leaves_behind_are_bounded(node: Node) -> None:
    bundle = deployed(node, "threads", PATIENT)
    first = host_pids(node.home, bundle.digest)
    for _ in range(3):
        assert ask(node, "threads", Fault.THREADS) == OK
    until(lambda: not set(host_pids(node.home, bundle.digest)) & set(first), "another host")
    assert ask(node, "threads") == OK


def test_a_version_that_crashes_on_every_call_fails_and_says_how(node: Node) -> None:
    bundle = deployed(node, "crashing", PATIENT)
    answers: list[Answer] = []

    def refused() -> bool:
        answers.append(ask(node, "crashing", Fault.EXITS))
        return answers[-1][0] == 503

    until(refused, "the refusal", 60)
    assert set(answers) == {POISON, (503, "UNAVAILABLE")}
    until(lambda: "crashing" in node.report.failures, "the failure")
    assert restarts(node, bundle) <= 6, "the first, and five more"
    assert (node.home.run / "hosts" / bundle.digest[:16] / "failed").read_text() == "exit status 1"


@pytest.mark.parametrize("source", LOAD_FAULTS, ids=lambda source: "_".join(source.split()[:4]))
def test_a_model_that_cannot_load_takes_no_traffic(node: Node, source: str) -> None:
    endpoint = f"loading-{list(LOAD_FAULTS).index(source)}"
    node.plane.publish(placed(offered(node, endpoint, source), endpoint))
    until(lambda: re.search(LOAD_FAULTS[source], node.report.failures[endpoint].reason), "the reason", 60)
    assert ask(node, endpoint) == (404, "NOT_FOUND")


def test_what_the_zoo_writes_is_bounded(node: Node) -> None:
    for log in Path(node.home.logs).glob("host-*"):
        assert log.stat().st_size <= 8 * MB
