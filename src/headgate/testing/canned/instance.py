"""What concerns the instance: status, projects, gates, the ledger, artifacts, backups."""

from headgate.testing.canned.state import TIME, Answer, FakeControl, Received, Routes, page

GATE = {
    "name": "approved", "rule": "Somebody has looked at the version and said yes.", "only_with_approval": True,
    "can_be_forced": True,
}  # fmt: skip
ENVIRONMENTS = [{"name": "production", "needs_approval": True}, {"name": "staging", "needs_approval": False}]


def _status(fake: FakeControl, request: Received) -> Answer:
    endpoints = [{"endpoint": e["name"], "version": e["version"], "state": "live"} for e in fake.endpoints.values()]
    worker = {
        "worker": "w0-4f2a", "pid": 12, "generation": 1, "ready": True, "draining": False, "connections": 0,
        "in_flight": 0, "requests": 7, "generations": {},
    }  # fmt: skip
    return 200, {
        "version": "0.1.0", "home": "/home/.headgate", "control": {"pid": 10, "url": fake.url}, "agent": {"pid": 11},
        "data": {"url": fake.url}, "grpc": {"port": None, "reason": ""},
        "workers": [worker], "hosts": [], "crashes": fake.crashes, "endpoints": endpoints,
    }  # fmt: skip


def _add_project(fake: FakeControl, request: Received) -> Answer:
    project = {"name": request.json["name"], "created_at": TIME}
    fake.projects[project["name"]] = project
    return 201, project


def _events(fake: FakeControl, request: Received) -> Answer:
    wanted = request.query.get("object")
    newest_first = [event for event in reversed(fake.events) if wanted in (None, event["object"])]
    return page(fake, request, newest_first)


ROUTES: Routes = (
    ("GET", "/api/v1/status", _status),
    ("GET", "/api/v1/address", lambda fake, request: (200, {"url": fake.url})),
    ("GET", "/api/v1/projects", lambda fake, request: page(fake, request, list(fake.projects.values()))),
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
    ("GET", "/api/v1/audit", _events),
    (
        "GET",
        "/api/v1/audit/verify",
        lambda fake, request: (200, {"ok": not fake.fault, "checked": len(fake.events), "fault": fake.fault}),
    ),
    (
        "POST",
        "/api/v1/artifacts/collect",
        lambda fake, request: (200, {"kept": 2, "removed": ["d" * 64], "bytes": 1234, "missing": fake.missing}),
    ),
    ("POST", "/api/v1/backup", lambda fake, request: (200, b"tar" * 1000)),
)
