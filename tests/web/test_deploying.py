"""From a bundle to live and back, over the API alone, with a node that answers by hand."""

import json

import pytest
from tests.web.console import Console

from headgate.testing.bundles import LinearModel, build_bundle


def test_a_bundle_becomes_live_in_production(console: Console) -> None:
    version = console.register(query="?alias=champion")
    assert version == "fraud:1"
    approved = console.post("/models/fraud/versions/1/approve", {"reason": "looked at it"})
    assert approved["state"] == "approved"
    wish = {"version": "fraud@champion", "endpoint": "fraud", "environment": "production"}
    rollout = console.post("/deployments", wish)
    assert (rollout["state"], rollout["from"], rollout["to"]) == ("pending", None, "fraud:1")
    assert not rollout["terminal"]

    ended = console.settle()
    assert ended["state"] == "promoted"
    assert ended["terminal"]
    assert [step["state"] for step in ended["steps"]] == ["pending", "loading", "verifying", "promoted"]

    endpoint = console.get("/endpoints/fraud")
    assert (endpoint["version"], endpoint["state"], endpoint["environment"]) == ("fraud:1", "live", "production")
    assert (endpoint["epoch"], endpoint["generation"], endpoint["by"]) == (1, 1, "local")
    assert [column["name"] for column in endpoint["contract"]["inputs"]] == ["age", "income", "balance"]
    assert endpoint["url"] == "http://127.0.0.1:8123/v1/endpoints/fraud/predict"
    gates = {each["gate"]: each["answer"] for each in endpoint["evidence"] if each["kind"] == "gate"}
    assert gates["approved"] == "accept"

    table = console.tables().routes[0]
    assert (table.variants[0].form, table.variants[0].placement) == ("onnx", "inline")
    bundle = console.ask("GET", f"/node/bundles/{table.variants[0].digest}", console.node_key)
    assert bundle.content == console.bundle()


def test_nodes_know_the_aliases_of_what_answers(console: Console) -> None:
    def labels() -> tuple[tuple[str, str], ...]:
        return console.tables().routes[0].labels

    console.deploy(console.register(0.5, query="?alias=champion"))
    assert labels() == (("champion", "fraud:1"),)
    assert console.ask("PUT", "/models/fraud/aliases/old", json={"version": 1}).status_code == 200
    assert labels() == (("champion", "fraud:1"), ("old", "fraud:1"))
    assert console.ask("DELETE", "/models/fraud/aliases/old").status_code == 204
    assert labels() == (("champion", "fraud:1"),)
    console.register(0.75, query="?alias=champion")
    assert labels() == ()


def test_a_second_version_and_the_way_back(console: Console) -> None:
    console.deploy(console.register(0.5))
    console.clock.advance(60)
    between = console.clock.now().isoformat()
    console.clock.advance(60)
    console.deploy(console.register(0.75))
    assert console.get("/endpoints/fraud")["version"] == "fraud:2"

    moved = console.post("/endpoints/fraud/rollback", {"reason": "too many alarms"})
    assert (moved["state"], moved["to"]) == ("rolling_back", "fraud:2")
    assert console.get("/endpoints/fraud")["state"] == "rolling_back"
    assert console.settle()["state"] == "rolled_back"
    now = console.get("/endpoints/fraud")
    assert (now["version"], now["reason"], now["state"]) == ("fraud:1", "too many alarms", "live")
    then = console.get("/endpoints/fraud", params={"at": between})
    assert (then["version"], then["rollout"]) == ("fraud:1", "r-00000001")
    before = console.get("/endpoints/fraud", params={"at": "2020-01-01T00:00:00Z"})
    assert (before["version"], before["state"]) == (None, "down")
    assert [each["id"] for each in console.get("/endpoints/fraud/rollouts")["items"]] == ["r-00000002", "r-00000001"]


def test_what_a_node_cannot_load_is_told_with_the_reason(console: Console) -> None:
    console.deploy(console.register(0.5))
    console.post("/deployments", {"version": console.register(0.75), "endpoint": "fraud"})
    failed = console.settle(failing="fraud")
    assert failed["state"] == "failed"
    assert "it does not load" in failed["reason"]
    assert console.get("/endpoints/fraud")["version"] == "fraud:1"


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_approval_binds_in_production_only(console: Console, environment: str) -> None:
    version = console.register()
    wish = {"version": version, "endpoint": "fraud", "environment": environment}
    answer = console.ask("POST", "/deployments", json=wish)
    if environment == "staging":
        assert answer.status_code == 202
        assert {each["gate"]: each["answer"] for each in answer.json()["evidence"]}["approved"] == "wait"
        return
    assert answer.status_code == 409
    assert answer.json()["code"] == "REFUSED"
    assert answer.json()["detail"][0]["gate"] == "approved"
    assert console.ask("GET", "/endpoints/fraud").status_code == 404, "a refused deployment leaves no endpoint behind"
    assert console.ask("POST", "/deployments", json={**wish, "force": True}).status_code == 400, "force needs a reason"
    forced = console.post("/deployments", {**wish, "force": True, "reason": "the old one is worse"})
    assert next(each for each in forced["evidence"] if each["gate"] == "approved")["forced"]
    events = console.get("/audit", params={"object": "endpoint:fraud"})["items"]
    assert events[0]["reason"] == "the old one is worse"


def test_a_version_with_another_contract_is_refused_and_changes_it_by_force(console: Console) -> None:
    console.deploy(console.register())
    wider = LinearModel(features=("age", "income", "balance", "tenure"), weights=(1.0, 1.0, 1.0, 1.0))
    console.upload(console.packed(build_bundle(console.folder / "bundles", wider).folder))
    refused = console.ask("POST", "/deployments", json={"version": "fraud:2", "endpoint": "fraud"})
    assert refused.status_code == 409
    assert "tenure: a new required feature" in refused.json()["error"]
    console.deploy("fraud:2", force=True, reason="clients are told")
    table = console.tables().routes[0]
    assert (len(table.contract.inputs), table.contract_version) == (4, 2)


def test_the_status_says_what_runs(console: Console) -> None:
    console.deploy(console.register())
    status = console.get("/status")
    assert status["endpoints"] == [{"endpoint": "fraud", "version": "fraud:1", "state": "live"}]
    assert status["agent"] == {"pid": 3}
    assert status["workers"][0]["generations"] == {"fraud": [1, 1]}
    assert status["workers"][0]["generation"] == 1
    assert status["control"]["url"] == "http://127.0.0.1:8090"
    assert status["data"]["url"] == "http://127.0.0.1:8123"
    assert status["building"] == []
    console.report(building=("fraud",))
    assert console.get("/status")["building"] == ["fraud"]


def test_a_version_that_answers_is_not_retired(console: Console) -> None:
    console.deploy(console.register())
    refused = console.ask("POST", "/models/fraud/versions/1/retire", json={"reason": "old"})
    assert refused.status_code == 409
    assert "answers behind fraud" in refused.json()["error"]
    assert console.ask("DELETE", "/endpoints/fraud", json={"reason": "unused"}).status_code == 204
    assert console.tables().routes == ()
    assert console.post("/models/fraud/versions/1/retire", {"reason": "old"})["state"] == "retired"


def test_the_history_of_an_endpoint_outlives_it(console: Console) -> None:
    console.deploy(console.register())
    console.clock.advance(60)
    then = console.clock.now().isoformat()
    console.clock.advance(60)
    assert console.ask("DELETE", "/endpoints/fraud", json={"reason": "unused"}).status_code == 204
    assert console.ask("GET", "/endpoints/fraud").status_code == 404
    assert console.get("/endpoints/fraud", params={"at": then})["version"] == "fraud:1"
    assert console.get("/endpoints/fraud", params={"at": "2030-01-01"})["version"] is None
    assert len(console.get("/endpoints/fraud/rollouts")["items"]) == 1


def test_a_name_does_not_pass_to_another_project(console: Console) -> None:
    console.deploy(console.register())
    console.ask("DELETE", "/endpoints/fraud", json={"reason": "unused"})
    console.post("/projects", {"name": "sales"})
    console.register(0.5, "churn", "?project=sales")
    answer = console.ask("POST", "/deployments", json={"version": "churn:1", "endpoint": "fraud"})
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    console.deploy("fraud:1")
    other = console.ask("POST", "/deployments", json={"version": "churn:1", "endpoint": "FRAUD"})
    assert "stands in default/staging" in other.json()["error"]


def test_every_change_is_one_event_by_its_actor(console: Console) -> None:
    key = console.key_of("operator", name="olga")
    version = console.register()
    console.post("/deployments", {"version": version, "endpoint": "fraud", "reason": "first"}, key)
    console.settle()
    events = console.get("/audit", params={"object": "endpoint:fraud"})["items"]
    assert [(each["verb"], each["actor"]) for each in events] == [
        ("rollout.promote", "controller"),
        ("rollout.verify", "controller"),
        ("rollout.publish", "controller"),
        ("rollout.start", "olga"),
        ("endpoint.create", "olga"),
    ]
    assert console.get("/audit/verify") == {"ok": True, "checked": len(_all_events(console)), "fault": None}


def _all_events(console: Console) -> list[str]:
    return [json.dumps(each) for each in console.get("/audit", params={"limit": 1000})["items"]]
