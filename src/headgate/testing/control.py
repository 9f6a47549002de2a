"""A control plane for tests: the API's addresses with canned state in memory, over real HTTP on a free port."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import to_builtins

from headgate.errors import Conflict, HeadgateError, NotFound, Refused, Unauthenticated, error_body
from headgate.records import EndpointSpec

KEY = "hg_fakefake_" + "k" * 43
GATE = {
    "name": "approved", "rule": "Somebody has looked at the version and said yes.", "only_with_approval": True,
    "can_be_forced": True,
}  # fmt: skip
ENVIRONMENTS = [{"name": "production", "needs_approval": True}, {"name": "staging", "needs_approval": False}]
TIME = "2026-01-02T03:04:05Z"

Json = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class Received:
    """One request as the fake saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        parsed: Json = json.loads(self.body or b"{}")
        return parsed


@dataclass
class FakeControl:
    """What the fake knows and what it was asked. `break_next` closes that many connections before an answer."""

    url: str = ""
    models: dict[str, Json] = field(default_factory=dict)
    endpoints: dict[str, Json] = field(default_factory=dict)
    rollouts: dict[str, list[Json]] = field(default_factory=dict)
    specs: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    projects: dict[str, Json] = field(default_factory=dict)
    actors: dict[str, Json] = field(default_factory=dict)
    keys: dict[str, Json] = field(default_factory=dict)
    signers: dict[str, Json] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    break_next: int = 0
    fault: Json | None = None
    missing: list[str] = field(default_factory=list)
    # states that a new rollout goes through, one per look
    course: tuple[str, ...] = ("pending", "loading", "promoted")
    prediction: Json = field(default_factory=lambda: {"predictions": [1]})

    def answer(self, request: Received) -> Answer:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Unauthenticated("Expected a key, got none that is known. Name one with HEADGATE_KEY.")
        for method, pattern, act in ROUTES:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                return act(self, request, *(unquote(part) for part in match.groups()))
        raise NotFound(f"There is no {request.method} {request.path}.")

    def record(self, verb: str, thing: str, reason: str = "") -> None:
        number = len(self.events) + 1
        self.events.append(
            {
                "number": number,
                "at": TIME,
                "actor": "local",
                "verb": verb,
                "object": thing,
                "reason": reason,
                "before": None,
                "after": None,
                "hash": f"{number:064x}",
            }  # fmt: skip
        )

    def add_version(self, model: str = "fraud", digest: str = "") -> Json:
        entry = self.models.setdefault(
            model,
            {
                "name": model,
                "project": "default",
                "owner": "local",
                "description": "",
                "tags": {},
                "aliases": {},
                "versions": [],
                "created_at": TIME,
            },  # fmt: skip
        )
        number = len(entry["versions"]) + 1
        version: Json = {
            "version": f"{model}:{number}", "model": model, "number": number, "digest": digest or f"{number:064x}",
            "state": "pending", "registered_at": TIME, "registered_by": "local", "aliases": [],
            "framework": "scikit-learn", "task": "classification", "serves": "onnx", "metrics": {"accuracy": 0.95},
            "size": 1234, "signed_by": "ed25519:0123", "known": False,
        }  # fmt: skip
        entry["versions"].append(version)
        self.record("register", version["version"])
        return version


def _status(fake: FakeControl, request: Received) -> Answer:
    endpoints = [{"endpoint": e["name"], "version": e["version"], "state": "live"} for e in fake.endpoints.values()]
    worker = {
        "worker": "w0-4f2a", "pid": 12, "generation": 1, "ready": True, "draining": False, "connections": 0,
        "in_flight": 0, "requests": 7, "generations": {},
    }  # fmt: skip
    return 200, {
        "version": "0.1.0", "home": "/home/.headgate", "control": {"pid": 10, "url": fake.url}, "agent": {"pid": 11},
        "data": {"url": fake.url}, "grpc": {"port": None, "reason": ""}, "workers": [worker],
        "hosts": [], "endpoints": endpoints,
    }  # fmt: skip


def _page(fake: FakeControl, request: Received, items: list[Json]) -> Answer:
    start = int(request.query.get("cursor", "0"))
    size = min(int(request.query.get("limit", "2")), 2)
    following = start + size
    return 200, {"items": items[start:following], "next": str(following) if following < len(items) else None}


def _model(fake: FakeControl, name: str) -> Json:
    if name not in fake.models:
        raise NotFound(f"There is no model {name!r}. See `headgate model list`.")
    return fake.models[name]


def _version(fake: FakeControl, model: str, number: str) -> Json:
    versions = _model(fake, model)["versions"]
    if not 1 <= int(number) <= len(versions):
        raise NotFound(f"Model {model} has no version {number}. See `headgate model show {model}`.")
    found: Json = versions[int(number) - 1]
    return found


def _register(fake: FakeControl, request: Received) -> Answer:
    version = fake.add_version("fraud")
    if alias := request.query.get("alias"):
        fake.models["fraud"]["aliases"][alias] = version["number"]
        version["aliases"].append(alias)
    return 201, version


def _decide(fake: FakeControl, request: Received, model: str, number: str, verb: str) -> Answer:
    version = _version(fake, model, number)
    version["state"] = {"approve": "approved", "reject": "rejected", "retire": "retired"}[verb]
    fake.record(verb, version["version"], request.json["reason"])
    return 200, version


def _set_alias(fake: FakeControl, request: Received, model: str, alias: str) -> Answer:
    entry = _model(fake, model)
    entry["aliases"][alias] = request.json["version"]
    return 200, entry


def _drop_alias(fake: FakeControl, request: Received, model: str, alias: str) -> Answer:
    if _model(fake, model)["aliases"].pop(alias, None) is None:
        raise NotFound(f"Model {model} has no alias {alias!r}.")
    return 204, None


def _deploy(fake: FakeControl, request: Received) -> Answer:
    wanted = request.json
    model, _, number = wanted["version"].partition(":")
    version = _version(fake, model, number)
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


def _add_project(fake: FakeControl, request: Received) -> Answer:
    project = {"name": request.json["name"], "created_at": TIME}
    fake.projects[project["name"]] = project
    return 201, project


def _add_actor(fake: FakeControl, request: Received) -> Answer:
    wanted = request.json
    if wanted["name"] in fake.actors:
        raise Conflict(f"There is an actor {wanted['name']!r} already.")
    grants = [{"role": role, "project": "*", "environment": "*"} for role in wanted["roles"]]
    fake.actors[wanted["name"]] = {"name": wanted["name"], "kind": wanted["kind"], "grants": grants}
    return 201, fake.actors[wanted["name"]]


def _grant(fake: FakeControl, request: Received, name: str) -> Answer:
    fake.actors[name]["grants"].append({"project": "*", "environment": "*", **request.json})
    return 200, fake.actors[name]


def _revoke_grant(fake: FakeControl, request: Received, name: str, role: str) -> Answer:
    grants = fake.actors[name]["grants"]
    fake.actors[name]["grants"] = [grant for grant in grants if grant["role"] != role]
    return 204, None


def _remove_actor(fake: FakeControl, request: Received, name: str) -> Answer:
    if fake.actors.pop(name, None) is None:
        raise NotFound(f"There is no actor {name!r}. See `headgate actor list`.")
    return 204, None


def _add_key(fake: FakeControl, request: Received) -> Answer:
    key_id = f"key{len(fake.keys) + 1}"
    key = {
        "id": key_id, "actor": request.json["actor"], "note": request.json.get("note", ""), "created_at": TIME,
        "expires_at": None, "revoked_at": None, "concurrency": request.json.get("concurrency", 0),
        "requests_per_second": request.json.get("requests_per_second", 0),
        "priority": request.json.get("priority", "normal"),
    }  # fmt: skip
    fake.keys[key_id] = key
    return 201, key | {"key": f"hg_{key_id}_secret"}


def _revoke_key(fake: FakeControl, request: Received, key_id: str) -> Answer:
    if key_id not in fake.keys:
        raise NotFound(f"There is no key {key_id!r}. See `headgate key list`.")
    fake.keys[key_id]["revoked_at"] = TIME
    return 204, None


def _trust(fake: FakeControl, request: Received) -> Answer:
    given = request.json
    signer = {"id": "5" * 16, "state": "trusted", "changed_at": TIME, "changed_by": "ann", "answering": [], **given}
    fake.signers[given["public_key"]] = signer
    fake.record("signer.trust", f"signer:{signer['id']}")
    return 201, signer


def _distrust(fake: FakeControl, request: Received) -> Answer:
    given = request.json
    found = next((each for each in fake.signers.values() if given["key"] in (each["id"], each["public_key"])), None)
    if found is None:
        raise NotFound(f"There is no signing key {given['key']}.")
    found |= {"state": "revoked", "answering": ["fraud:1 behind fraud"]}
    fake.record("signer.revoke", f"signer:{found['id']}", given["reason"])
    return 200, found


def _events(fake: FakeControl, request: Received) -> Answer:
    wanted = request.query.get("object")
    newest_first = [event for event in reversed(fake.events) if wanted in (None, event["object"])]
    return _page(fake, request, newest_first)


def _predict(fake: FakeControl, request: Received, endpoint: str) -> Answer:
    _endpoint(fake, request, endpoint)
    return 200, {"id": "abc", "endpoint": endpoint, "model": "fraud:1", **fake.prediction}


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/api/v1/status", _status),
    ("GET", "/api/v1/address", lambda fake, request: (200, {"url": fake.url})),
    ("GET", "/api/v1/models", lambda fake, request: _page(fake, request, list(fake.models.values()))),
    ("GET", "/api/v1/projects", lambda fake, request: _page(fake, request, list(fake.projects.values()))),
    ("POST", "/api/v1/projects", _add_project),
    (
        "GET",
        "/api/v1/environments",
        lambda fake, request: (200, {"items": ENVIRONMENTS, "next": None}),
    ),
    (
        "GET",
        "/api/v1/gates",
        lambda fake, request: (200, {"items": [GATE], "next": None}),
    ),
    ("POST", "/api/v1/versions", _register),
    ("GET", "/api/v1/models/([^/]+)", lambda fake, request, name: (200, _model(fake, name))),
    (
        "PATCH",
        "/api/v1/models/([^/]+)",
        lambda fake, request, name: (200, _model(fake, name).update(request.json) or _model(fake, name)),
    ),
    (
        "GET",
        "/api/v1/models/([^/]+)/diff",
        lambda fake, request, name: (200, {"left": 1, "right": 2, "changes": [{"path": "a", "left": 1, "right": 2}]}),
    ),
    (
        "GET",
        "/api/v1/models/([^/]+)/versions/([0-9]+)",
        lambda fake, request, model, number: (200, _version(fake, model, number) | {"manifest": {"name": model}}),
    ),
    ("GET", "/api/v1/models/([^/]+)/versions/([0-9]+)/card", lambda fake, request, model, number: (200, "# Card\n")),
    ("POST", "/api/v1/models/([^/]+)/versions/([0-9]+)/(approve|reject|retire)", _decide),
    ("PUT", "/api/v1/models/([^/]+)/aliases/([^/]+)", _set_alias),
    ("DELETE", "/api/v1/models/([^/]+)/aliases/([^/]+)", _drop_alias),
    ("POST", "/api/v1/deployments", _deploy),
    ("GET", "/api/v1/endpoints", lambda fake, request: _page(fake, request, list(fake.endpoints.values()))),
    ("GET", "/api/v1/endpoints/([^/]+)", _endpoint),
    ("DELETE", "/api/v1/endpoints/([^/]+)", _delete_endpoint),
    ("GET", "/api/v1/endpoints/([^/]+)/spec", _spec),
    ("PUT", "/api/v1/endpoints/([^/]+)/spec", _configure),
    ("GET", "/api/v1/endpoints/([^/]+)/rollout", _rollout),
    ("GET", "/api/v1/endpoints/([^/]+)/rollouts", lambda fake, request, e: _page(fake, request, _rollouts(fake, e))),
    ("POST", "/api/v1/endpoints/([^/]+)/rollback", _roll_back),
    ("GET", "/api/v1/endpoints/([^/]+)/logs", _logs),
    ("GET", "/api/v1/audit", _events),
    (
        "GET",
        "/api/v1/audit/verify",
        lambda fake, request: (200, {"ok": not fake.fault, "checked": len(fake.events), "fault": fake.fault}),
    ),
    ("GET", "/api/v1/actors", lambda fake, request: _page(fake, request, list(fake.actors.values()))),
    ("POST", "/api/v1/actors", _add_actor),
    ("DELETE", "/api/v1/actors/([^/]+)", _remove_actor),
    ("POST", "/api/v1/actors/([^/]+)/grants", _grant),
    ("DELETE", "/api/v1/actors/([^/]+)/grants/([^/]+)", _revoke_grant),
    ("GET", "/api/v1/keys", lambda fake, request: _page(fake, request, list(fake.keys.values()))),
    ("POST", "/api/v1/keys", _add_key),
    ("DELETE", "/api/v1/keys/([^/]+)", _revoke_key),
    (
        "POST",
        "/api/v1/artifacts/collect",
        lambda fake, request: (200, {"kept": 2, "removed": ["d" * 64], "bytes": 1234, "missing": fake.missing}),
    ),
    ("GET", "/api/v1/signers", lambda fake, request: _page(fake, request, list(fake.signers.values()))),
    ("POST", "/api/v1/signers", _trust),
    ("POST", "/api/v1/signers/revoke", _distrust),
    ("POST", "/api/v1/backup", lambda fake, request: (200, b"tar" * 1000)),
    ("POST", "/v1/endpoints/([^/]+)/predict", _predict),
)


class _Door(BaseHTTPRequestHandler):
    """HTTP in front of the fake."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet
    fake: FakeControl

    def do_any(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.command, parts.path, query, headers, self._body())
        self.fake.requests.append(request)
        if self.fake.break_next:
            self.fake.break_next -= 1
            self.close_connection = True
            return
        try:
            status, answer = self.fake.answer(request)
        except HeadgateError as error:
            status, answer = error.status, error_body(error, "req1")
        self._reply(status, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at `requests` instead."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _reply(self, status: int, answer: Any) -> None:
        content = answer if isinstance(answer, bytes) else b""
        if isinstance(answer, str):
            content = answer.encode()
        elif answer is not None and not content:
            content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def fake_control() -> Iterator[FakeControl]:
    """A fake control (and data) plane that answers at `fake.url` to `KEY`, until the block ends."""
    fake = FakeControl()
    door = type("Door", (_Door,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
