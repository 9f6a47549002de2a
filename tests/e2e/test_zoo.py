"""The bad-model zoo on a node: each bad model beside two good ones, which notice nothing."""

import http.client
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.e2e.zoo import (
    FRAUD,
    GOOD,
    LATE,
    MB,
    OK,
    PATIENT,
    POISON,
    SPEC,
    TOLD,
    Answer,
    ask,
    deployed,
    offered,
    placed,
    start_node,
)

from headgate.testing.bundles import BuiltBundle
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, until
from headgate.testing.zoo import LOAD_FAULTS, Fault


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """`fraud` inside its worker, `good` in a host of its own."""
    node = start_node(tmp_path_factory.mktemp("zoo"))
    yield node
    node.clean()


@pytest.fixture(autouse=True)
def unharmed(node: Node) -> Iterator[None]:
    """Both good models are asked all the time, and never fail; the node is well afterwards."""
    workers = {worker.pid for worker in node.report.workers}
    before = answers_of_the_good(node)
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
    assert answers_of_the_good(node) == before
    assert node.agent is not None and node.agent.poll() is None
    node.plane.withdraw("fraud", "good")


def answers_of_the_good(node: Node) -> list[bytes]:
    """What they answer, to the byte, without the id that each answer has."""
    found = []
    for endpoint, body in (("fraud", FRAUD), ("good", GOOD)):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        headers = {"Content-Type": "application/json", "Headgate-Id": "same"}
        connection.request("POST", f"/v1/endpoints/{endpoint}/predict", body, headers)
        found.append(connection.getresponse().read())
        connection.close()
    return found


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
    deployed(node, endpoint, SPEC if TOLD[fault] == LATE else PATIENT)
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


def test_a_host_that_is_stopped_is_replaced(node: Node) -> None:
    bundle = deployed(node, "stopped", PATIENT)
    [victim] = host_pids(node.home, bundle.digest)
    os.kill(victim, signal.SIGSTOP)
    # the worker holds the request meanwhile
    assert ask(node, "stopped") == OK
    assert victim not in host_pids(node.home, bundle.digest)


def test_a_version_that_comes_and_goes_leaves_no_process(node: Node) -> None:
    bundle = offered(node, "fleeting")
    for generation in range(1, 11):
        table = placed(bundle, "fleeting", PATIENT)
        node.plane.publish(msgspec.structs.replace(table, generation=generation))
        if generation % 3:
            until(lambda: ask(node, "fleeting") == OK, "an answer")
        node.plane.withdraw("fraud", "good")
    until(lambda: not (node.home.routes / "fleeting.json").exists(), "its end")
    until(lambda: host_pids(node.home, bundle.digest) == [], "the end of its hosts")
    # the template, the worker, the control plane, and the host of the good one
    until(lambda: len(node.pids("--runtime")) <= 3, f"the end of all others: {node.pids('--runtime')}")


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
