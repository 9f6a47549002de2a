"""Specs over the API: read, written whole, guarded by the place where the endpoint stands."""

from pathlib import Path

import pytest
from tests.web.console import Console

from headgate.derived_secrets import signing_secret
from headgate.settings import Settings

URL = "/endpoints/fraud/spec"


def test_a_spec_is_written_whole_and_reaches_the_node(console: Console) -> None:
    console.deploy(console.register())
    read = console.ask("GET", URL)
    assert read.json()["spec"]["limits"]["timeout_ms"] == 30_000
    body = {"spec": {"limits": {"timeout_ms": 500}, "cache_entries": 9}, "reason": "repeated questions"}
    written = console.ask("PUT", URL, json=body, headers={"If-Match": read.headers["ETag"]})
    assert written.status_code == 200, written.text
    assert written.json()["spec"]["cache_entries"] == 9
    table = console.tables().routes[0]
    assert (table.spec.limits.timeout_ms, table.spec.cache_entries) == (500, 9)

    shown = console.get("/endpoints/fraud")
    assert (shown["state"], shown["spec"]["cache_entries"], shown["generation"]) == ("live", 9, 2)
    outdated = console.ask("PUT", URL, json=body, headers={"If-Match": read.headers["ETag"]})
    assert outdated.status_code == 412


def test_an_endpoint_is_made_where_the_caller_may_deploy(console: Console) -> None:
    developer = console.key_of("developer")
    body = {"spec": {}, "environment": "production"}
    assert console.ask("PUT", URL, developer, json=body).status_code == 403
    assert console.ask("PUT", URL, developer, json=body | {"environment": "staging"}).status_code == 200
    assert console.ask("GET", URL, console.key_of("predict")).status_code == 403
    assert console.ask("GET", "/endpoints/other/spec").status_code == 404


def test_a_wrong_field_is_named(console: Console) -> None:
    answer = console.ask("PUT", URL, json={"spec": {"limits": {"timeout": 1}}})
    assert answer.status_code == 400
    assert "timeout" in answer.json()["error"]


def test_a_repetition_acts_once(console: Console) -> None:
    console.deploy(console.register())
    headers = {"Idempotency-Key": "once"}
    first = console.ask("PUT", URL, json={"spec": {"cache_entries": 1}}, headers=headers)
    second = console.ask("PUT", URL, json={"spec": {"cache_entries": 1}}, headers=headers)
    assert (first.json(), second.headers["Idempotency-Replayed"]) == (second.json(), "true")


def test_limits_of_a_key_reach_the_node(console: Console) -> None:
    console.post("/actors", {"name": "shop", "roles": ["predict"]})
    made = console.post("/keys", {"actor": "shop", "requests_per_second": 5, "concurrency": 2, "priority": "high"})
    assert (made["requests_per_second"], made["concurrency"]) == (5, 2)
    listed = next(each for each in console.get("/keys")["items"] if each["id"] == made["id"])
    assert (listed["concurrency"], listed["priority"]) == (2, "high")
    known = next(key for key in console.tables().access.keys if key.id == made["id"])
    assert (known.requests_per_second, known.concurrency, known.priority) == (5, 2, "high")
    assert console.ask("POST", "/keys", json={"actor": "shop", "priority": "huge"}).status_code in (400, 422)
    assert console.ask("POST", "/keys", json={"actor": "shop", "concurrency": -1}).status_code in (400, 422)


@pytest.mark.parametrize("required", [True, False])
def test_limits_that_do_nothing_are_named_where_they_are_given(tmp_path: Path, required: bool) -> None:
    console = Console(tmp_path, Settings(require_keys=required))
    console.post("/actors", {"name": "shop", "roles": ["predict"]})
    for limits in ({"requests_per_second": 5}, {"concurrency": 2}, {"priority": "high"}):
        hint = console.post("/keys", {"actor": "shop", **limits})["hint"]
        assert ("--require-keys" in hint) is not required
    assert console.post("/keys", {"actor": "shop"})["hint"] == ""
    console.close()


def test_the_secret_that_signs_is_shown_once_and_known_to_the_node(console: Console) -> None:
    console.post("/actors", {"name": "shop", "roles": ["predict"]})
    once = {"Idempotency-Key": "once"}
    made = console.ask("POST", "/keys", json={"actor": "shop", "aws": True}, headers=once).json()
    signing = console.tables().access.signing
    assert made["aws_secret"] == signing_secret(bytes.fromhex(signing), made["id"])
    assert len(made["aws_secret"]) == 40
    assert console.ask("POST", "/keys", json={"actor": "shop", "aws": True}, headers=once).json()["aws_secret"] is None
    assert console.post("/keys", {"actor": "shop"})["aws_secret"] is None
    assert made["aws_secret"] not in str(console.get("/keys")) + str(console.get("/audit"))
