"""Commands that are repeated act once, and changes on outdated state are refused."""

import threading
from typing import Any

import pytest
from tests.web.console import Console

from headgate.ledger.events import list_events


def keyed(key: str = "k-1") -> dict[str, str]:
    return {"Idempotency-Key": key}


def events(console: Console) -> int:
    with console.app.plane.database.read() as tx:
        return len(list_events(tx, limit=1000).items)


def test_a_repeated_command_acts_once_and_answers_the_same(console: Console) -> None:
    first = console.ask("POST", "/projects", json={"name": "risk"}, headers=keyed())
    count = events(console)
    again = console.ask("POST", "/projects", json={"name": "risk"}, headers=keyed())
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert events(console) == count
    # and without a key it is what it is: another command
    assert console.ask("POST", "/projects", json={"name": "risk"}).status_code == 409


def test_a_key_with_another_body_is_a_conflict(console: Console) -> None:
    console.post("/projects", {"name": "risk"}, headers=keyed())
    answer = console.ask("POST", "/projects", json={"name": "sales"}, headers=keyed())
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert [each["name"] for each in console.get("/projects")["items"]] == ["default", "risk"]


def test_a_key_with_another_address_is_a_conflict(console: Console) -> None:
    console.register(0.5)
    console.register(0.75)
    body = {"reason": "looked at it"}
    console.post("/models/fraud/versions/1/approve", body, headers=keyed())
    assert console.ask("POST", "/models/fraud/versions/2/approve", json=body, headers=keyed()).status_code == 409
    assert console.get("/models/fraud/versions/2")["state"] == "pending"


def test_keys_are_each_actors_own(console: Console) -> None:
    other = console.key_of("admin", name="ann")
    console.post("/projects", {"name": "risk"}, headers=keyed())
    console.post("/projects", {"name": "sales"}, other, headers=keyed())


def test_a_command_that_failed_is_not_remembered(console: Console) -> None:
    body = {"version": "fraud:1", "endpoint": "fraud"}
    assert console.ask("POST", "/deployments", json=body, headers=keyed()).status_code == 404
    console.register()
    assert console.ask("POST", "/deployments", json=body, headers=keyed()).status_code == 202
    again = console.ask("POST", "/deployments", json=body, headers=keyed())
    assert again.json()["id"] == "r-00000001"


def test_an_upload_that_is_repeated_is_one_version(console: Console) -> None:
    content = console.bundle()
    first = console.upload(content, **keyed())
    again = console.upload(content, **keyed())
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    known = console.upload(content)
    assert (known.status_code, known.json()["known"]) == (200, True)
    assert console.upload(console.bundle(0.75), **keyed()).status_code == 409


def test_a_repetition_never_shows_a_key_again(console: Console) -> None:
    first = console.post("/keys", {"actor": "local"}, headers=keyed())
    again = console.post("/keys", {"actor": "local"}, headers=keyed())
    assert (again["id"], again["key"]) == (first["id"], None)
    assert first["key"].encode() not in console.home.database.read_bytes() + _wal(console)


def _wal(console: Console) -> bytes:
    return console.home.database.with_name("headgate.db-wal").read_bytes()


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "ä"])
def test_a_key_must_be_plain(console: Console, key: str) -> None:
    answer = console.ask("POST", "/projects", json={"name": "risk"}, headers={"Idempotency-Key": key.encode()})
    assert answer.status_code in (400, 422)
    assert len(console.get("/projects")["items"]) == 1


def test_commands_that_race_under_one_key_act_once(console: Console) -> None:
    answers: list[Any] = []

    def send() -> None:
        answers.append(console.ask("POST", "/keys", json={"actor": "node"}, headers=keyed()).json()["id"])

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1


def test_a_model_that_was_changed_meanwhile_is_not_overwritten(console: Console) -> None:
    console.register()
    seen = console.ask("GET", "/models/fraud").headers["ETag"]
    console.post("/models/fraud/versions/1/approve", {"reason": "r"})
    outdated = console.ask("PATCH", "/models/fraud", json={"owner": "ann"}, headers={"If-Match": seen})
    assert (outdated.status_code, outdated.json()["code"]) == (412, "PRECONDITION_FAILED")
    fresh = console.ask("GET", "/models/fraud").headers["ETag"]
    changed = console.ask("PATCH", "/models/fraud", json={"owner": "ann"}, headers={"If-Match": fresh})
    assert (changed.status_code, changed.json()["owner"]) == (200, "ann")
    assert console.ask("PATCH", "/models/fraud", json={"tags": {"a": "b"}}).status_code == 200
    assert console.ask("PATCH", "/models/fraud", json={}, headers={"If-Match": '"x"'}).status_code == 412


def test_an_endpoint_that_was_changed_meanwhile_is_left_alone(console: Console) -> None:
    console.deploy(console.register(0.5))
    seen = console.ask("GET", "/endpoints/fraud").headers["ETag"]
    console.deploy(console.register(0.75))
    for method, path in (("DELETE", "/endpoints/fraud"), ("POST", "/endpoints/fraud/rollback")):
        answer = console.ask(method, path, json={"reason": "r"}, headers={"If-Match": seen})
        assert answer.status_code == 412
    assert console.get("/endpoints/fraud")["version"] == "fraud:2"
    fresh = console.ask("GET", "/endpoints/fraud").headers["ETag"]
    assert console.post("/endpoints/fraud/rollback", {"reason": "r"}, headers={"If-Match": fresh})
