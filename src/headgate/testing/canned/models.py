"""Models, versions and aliases."""

from headgate.errors import NotFound
from headgate.testing.canned.state import Answer, FakeControl, Json, Received, Routes, page


def model_of(fake: FakeControl, name: str) -> Json:
    if name not in fake.models:
        raise NotFound(f"There is no model {name!r}. See `headgate model list`.")
    return fake.models[name]


def version_of(fake: FakeControl, model: str, number: str) -> Json:
    versions = model_of(fake, model)["versions"]
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
    version = version_of(fake, model, number)
    version["state"] = {"approve": "approved", "reject": "rejected", "retire": "retired"}[verb]
    fake.record(verb, version["version"], request.json["reason"])
    return 200, version


def _set_alias(fake: FakeControl, request: Received, model: str, alias: str) -> Answer:
    entry = model_of(fake, model)
    entry["aliases"][alias] = request.json["version"]
    return 200, entry


def _drop_alias(fake: FakeControl, request: Received, model: str, alias: str) -> Answer:
    if model_of(fake, model)["aliases"].pop(alias, None) is None:
        raise NotFound(f"Model {model} has no alias {alias!r}.")
    return 204, None


ROUTES: Routes = (
    ("GET", "/api/v1/models", lambda fake, request: page(fake, request, list(fake.models.values()))),
    ("POST", "/api/v1/versions", _register),
    ("GET", "/api/v1/models/([^/]+)", lambda fake, request, name: (200, model_of(fake, name))),
    (
        "PATCH",
        "/api/v1/models/([^/]+)",
        lambda fake, request, name: (200, model_of(fake, name).update(request.json) or model_of(fake, name)),
    ),
    (
        "GET",
        "/api/v1/models/([^/]+)/diff",
        lambda fake, request, name: (200, {"left": 1, "right": 2, "changes": [{"path": "a", "left": 1, "right": 2}]}),
    ),
    (
        "GET",
        "/api/v1/models/([^/]+)/versions/([0-9]+)",
        lambda fake, request, model, number: (200, version_of(fake, model, number) | {"manifest": {"name": model}}),
    ),
    ("GET", "/api/v1/models/([^/]+)/versions/([0-9]+)/card", lambda fake, request, model, number: (200, "# Card\n")),
    ("POST", "/api/v1/models/([^/]+)/versions/([0-9]+)/(approve|reject|retire)", _decide),
    ("PUT", "/api/v1/models/([^/]+)/aliases/([^/]+)", _set_alias),
    ("DELETE", "/api/v1/models/([^/]+)/aliases/([^/]+)", _drop_alias),
)
