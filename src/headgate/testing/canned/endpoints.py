"""Endpoints, their specs, rollouts, records and predictions."""

from msgspec import to_builtins

from headgate.errors import NotFound, Refused
from headgate.records import EndpointSpec
from headgate.testing.canned.models import version_of
from headgate.testing.canned.state import TIME, Answer, FakeControl, Json, Received, Routes, page


def _deploy(fake: FakeControl, request: Received) -> Answer:
    wanted = request.json
    model, _, number = wanted["version"].partition(":")
    version = version_of(fake, model, number)
    if wanted.get("environment") == "production" and version["state"] != "approved" and not wanted["force"]:
        raise Refused(
            f"Expected an approved version for production, got {wanted['version']}, which is {version['state']}. "
            f"Approve it with `headgate approve {wanted['version']} --reason …`.",
            detail=[{"gate": "approval", "state": "reject", "reason": "not approved"}],
        )
    endpoint = wanted["endpoint"]
    rollouts = fake.rollouts.setdefault(endpoint, [])
    rollout = {
        "id": f"r{len(rollouts) + 1}", "endpoint": endpoint, "from": None, "to": wanted["version"],
        "strategy": wanted["strategy"], "state": fake.course[0], "reason": wanted["reason"], "by": "local",
        "steps": [{"state": fake.course[0], "at": TIME, "note": ""}], "evidence": [], "started_at": TIME,
        "ended_at": None, "terminal": False,
    }  # fmt: skip
    rollouts.insert(0, rollout)
    fake.endpoints[endpoint] = {
        "name": endpoint, "project": "default", "environment": wanted.get("environment", "staging"),
        "version": wanted["version"], "digest": version["digest"], "epoch": 1, "generation": len(rollouts),
        "state": "live", "url": f"{fake.url}/v1/endpoints/{endpoint}/predict", "contract": {"inputs": []},
        "variants": [], "since": TIME, "by": "local", "reason": wanted["reason"], "evidence": [],
    }  # fmt: skip
    fake.record("deploy", endpoint, wanted["reason"])
    return 202, rollout


def _rollouts(fake: FakeControl, endpoint: str) -> list[Json]:
    if endpoint not in fake.rollouts:
        raise NotFound(f"There is no endpoint {endpoint!r}. See `headgate endpoint list`.")
    return fake.rollouts[endpoint]


def _rollout(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    newest = _rollouts(fake, endpoint)[0]
    place = len(newest["steps"])
    if not newest["terminal"] and place < len(fake.course):
        newest["state"] = fake.course[place]
        newest["steps"].append({"state": newest["state"], "at": TIME, "note": ""})
        newest["terminal"] = newest["state"] in ("promoted", "failed", "aborted", "rolled_back")
    return 200, newest


def _roll_back(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    newest = _rollouts(fake, endpoint)[0]
    newest |= {"state": "rolled_back", "terminal": True, "reason": request.json["reason"]}
    return 200, newest


def _endpoint(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    if endpoint not in fake.endpoints:
        raise NotFound(f"There is no endpoint {endpoint!r}. See `headgate endpoint list`.")
    return 200, fake.endpoints[endpoint]


def _spec(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    if endpoint not in fake.specs:
        _endpoint(fake, request, endpoint)
        fake.specs[endpoint] = {
            "endpoint": endpoint, "project": "default", "environment": "staging", "revision": 1,
            "spec": to_builtins(EndpointSpec()),
        }  # fmt: skip
    return 200, fake.specs[endpoint]


def _configure(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    wanted = request.json
    known = fake.specs.get(endpoint, {"revision": 0})
    place = {
        name: wanted.get(name) or default for name, default in (("project", "default"), ("environment", "staging"))
    }
    made = {"endpoint": endpoint, **place, **known, "revision": known["revision"] + 1, "spec": wanted["spec"]}
    fake.specs[endpoint] = made
    fake.record("endpoint.configure", f"endpoint:{endpoint}", wanted.get("reason", ""))
    return 200, made


def _delete_endpoint(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    _endpoint(fake, request, endpoint)
    del fake.endpoints[endpoint]
    return 204, None


def _logs(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    record = {
        "id": "abc/0", "at": TIME, "endpoint": endpoint, "version": "fraud:1", "status": 200, "latency_ms": 0.4,
        "trace_id": None, "span_id": None, "inputs": {"age": 41}, "outputs": {"predictions": 1},
    }  # fmt: skip
    return 200, {"items": [record][: int(request.query["limit"])], "next": None}


def _predict(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    _endpoint(fake, request, endpoint)
    return 200, {"id": "abc", "endpoint": endpoint, "model": "fraud:1", **fake.prediction}


ROUTES: Routes = (
    ("POST", "/api/v1/deployments", _deploy),
    ("GET", "/api/v1/endpoints", lambda fake, request: page(fake, request, list(fake.endpoints.values()))),
    ("GET", "/api/v1/endpoints/([^/]+)", _endpoint),
    ("DELETE", "/api/v1/endpoints/([^/]+)", _delete_endpoint),
    ("GET", "/api/v1/endpoints/([^/]+)/spec", _spec),
    ("PUT", "/api/v1/endpoints/([^/]+)/spec", _configure),
    ("GET", "/api/v1/endpoints/([^/]+)/rollout", _rollout),
    ("GET", "/api/v1/endpoints/([^/]+)/rollouts", lambda fake, request, e: page(fake, request, _rollouts(fake, e))),
    ("POST", "/api/v1/endpoints/([^/]+)/rollback", _roll_back),
    ("GET", "/api/v1/endpoints/([^/]+)/logs", _logs),
    ("POST", "/v1/endpoints/([^/]+)/predict", _predict),
)
