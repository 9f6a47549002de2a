"""Who gets through to what, over every route of the application."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from tests.web.console import ADDRESS, API, Console

from headgate.identity.roles import PERMISSIONS as OF_ROLE
from headgate.web.api.guards import PERMISSIONS, PUBLIC, guarded

ROLES = ("viewer", "predict", "developer", "approver", "operator", "admin")
# what a route needs in its path; none of it exists
FILLED = {
    "{model}": "ghost",
    "{number}": "7",
    "{alias}": "ghost",
    "{endpoint}": "ghost",
    "{actor}": "ghost",
    "{role}": "viewer",
    "{key}": "00000000",
    "{digest}": "0" * 64,
}
BODIES: dict[str, dict[str, Any] | None] = {
    f"{API}/versions": None,
    f"{API}/projects": {"name": "p"},
    f"{API}/deployments": {"version": "ghost:1", "endpoint": "ghost"},
    f"{API}/actors": {"name": "x", "roles": ["nonsense"]},
    f"{API}/keys": {"actor": "ghost"},
    f"{API}/signers": {"public_key": "ghost"},
    f"{API}/signers/revoke": {"key": "ghost", "reason": "r"},
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = Console(tmp_path_factory.mktemp("guards"))
    yield console
    console.close()


@pytest.fixture(scope="module")
def keys(shared: Console) -> dict[str, str]:
    return {"node": shared.node_key, **{role: shared.key_of(role) for role in ROLES}}


def every_route(console: Console) -> list[tuple[str, str]]:
    return [
        (method, route.path_format or "")
        for route in iter_route_contexts(console.app.api.routes)
        for method in sorted(route.methods or {"WEBSOCKET"})
    ]


def call(console: Console, method: str, template: str, key: str) -> int:
    path = template
    for name, value in FILLED.items():
        path = path.replace(name, value)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = BODIES.get(template, {"reason": "r"}) if method in ("POST", "PUT", "PATCH", "DELETE") else None
    if template.endswith("/aliases/{alias}") and method == "PUT":
        body = {"version": 1}
    if template.endswith("/grants"):
        body = {"role": "viewer"}
    return console.client.request(method, f"{ADDRESS}{path}", headers=headers, json=body).status_code


def test_every_route_is_in_the_table_and_the_table_holds_no_other(shared: Console) -> None:
    assert set(every_route(shared)) == set(PERMISSIONS)
    assert len(every_route(shared)) == len(PERMISSIONS), "a route is declared twice"


def test_only_the_probes_are_public() -> None:
    assert {path for (_, path), permission in PERMISSIONS.items() if permission == PUBLIC} == {"/healthz", "/readyz"}


def test_every_permission_is_held_by_some_role() -> None:
    assert set(PERMISSIONS.values()) - {PUBLIC} <= set().union(*OF_ROLE.values())


@pytest.mark.parametrize("route", sorted(PERMISSIONS), ids=" ".join)
def test_nobody_gets_in_without_a_good_key(shared: Console, route: tuple[str, str]) -> None:
    expected = {200} if PERMISSIONS[route] == PUBLIC else {401}
    for key in ("", "nonsense", "hg_00000000_" + "x" * 43, shared.key[:-1] + "_"):
        assert {call(shared, *route, key)} == expected


@pytest.mark.parametrize("role", [*ROLES, "node"])
@pytest.mark.parametrize("route", sorted(PERMISSIONS), ids=" ".join)
def test_a_role_reaches_what_the_table_says(
    shared: Console, keys: dict[str, str], route: tuple[str, str], role: str
) -> None:
    permission = PERMISSIONS[route]
    status = call(shared, *route, keys[role])
    if permission == PUBLIC or permission in OF_ROLE[role]:
        assert status not in (401, 403), f"{role} should reach {route}"
        assert status < 500
    else:
        assert status == 403, f"{role} should not reach {route}"


@pytest.mark.parametrize(
    "path", ["/HEALTHZ", "//healthz", "/healthz/", "/healthz;a", "/x/healthz", "/healthx", "/readyz.json"]
)
def test_what_looks_like_a_public_address_is_none(shared: Console, path: str) -> None:
    assert shared.client.get(f"{ADDRESS}{path}").status_code in (400, 404)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "_PRIVATE"])
def test_other_methods_are_not_taken(shared: Console, method: str) -> None:
    answer = shared.client.request(method, f"{ADDRESS}{API}/models", headers={"Authorization": f"Bearer {shared.key}"})
    assert answer.status_code == 405


def test_a_route_in_no_table_is_refused_to_everybody(tmp_path_factory: pytest.TempPathFactory) -> None:
    console = Console(tmp_path_factory.mktemp("stray"))
    router = guarded("stray")
    router.add_api_route("/stray", lambda: {"secret": 1}, methods=["GET"])
    console.app.api.include_router(router)
    assert console.ask("GET", "/stray").status_code == 403
    console.close()


def test_a_key_ends_with_its_actor_its_expiry_and_its_revocation(console: Console) -> None:
    key = console.key_of("viewer", name="vera")
    assert console.ask("GET", "/models", key).status_code == 200
    short = console.post("/keys", {"actor": "vera", "expires_days": 1})
    console.clock.advance(timedelta(days=1, seconds=1).total_seconds())
    assert console.ask("GET", "/models", short["key"]).status_code == 401
    second = console.post("/keys", {"actor": "vera"})
    assert console.ask("DELETE", f"/keys/{second['id']}").status_code == 204
    assert console.ask("GET", "/models", second["key"]).status_code == 401
    assert console.ask("GET", "/models", key).status_code == 200
    assert console.ask("DELETE", "/actors/vera/grants/viewer").status_code == 204
    assert console.ask("GET", "/models", key).status_code == 403
    assert console.ask("DELETE", "/actors/vera").status_code == 204
    assert console.ask("GET", "/models", key).status_code == 401


def test_two_authorization_headers_are_none(shared: Console) -> None:
    headers = [("Authorization", f"Bearer {shared.key}"), ("Authorization", f"Bearer {shared.key}")]
    assert shared.client.get(f"{ADDRESS}{API}/models", headers=headers).status_code == 401


def test_a_key_in_the_address_is_none(shared: Console) -> None:
    assert shared.ask("GET", f"/models?key={shared.key}&access_token={shared.key}", "").status_code == 401


def test_what_belongs_to_another_project_never_appears(console: Console) -> None:
    console.post("/projects", {"name": "risk"})
    console.post("/projects", {"name": "sales"})
    console.deploy(
        console.register(0.5, "fraud", "?project=risk"), "fraud", environment="production", force=True, reason="r"
    )
    console.deploy(console.register(0.5, "churn", "?project=sales"), "churn", environment="staging")
    risk = console.key_of("admin", "risk")
    assert [each["name"] for each in console.get("/models", risk)["items"]] == ["fraud"]
    assert [each["name"] for each in console.get("/projects", risk)["items"]] == ["risk"]
    assert [each["name"] for each in console.get("/endpoints", risk)["items"]] == ["fraud"]
    assert [each["endpoint"] for each in console.get("/status", risk)["endpoints"]] == ["fraud"]
    for path in (
        "/models/churn", "/models/churn/versions", "/models/churn/versions/1", "/models/churn/versions/1/card",
        "/models/churn/diff?left=1&right=1", "/endpoints/churn", "/endpoints/churn/rollout",
        "/endpoints/churn/rollouts", "/endpoints/churn/logs", "/audit", "/actors", "/keys",
    ):  # fmt: skip
        assert console.ask("GET", path, risk).status_code == 403, path
    for method, path, body in (
        ("PATCH", "/models/churn", {"owner": "me"}),
        ("PUT", "/models/churn/aliases/champion", {"version": 1}),
        ("DELETE", "/models/churn/aliases/champion", None),
        ("POST", "/models/churn/versions/1/approve", {"reason": "r"}),
        ("POST", "/models/churn/versions/1/reject", {"reason": "r"}),
        ("POST", "/models/churn/versions/1/retire", {"reason": "r"}),
        ("POST", "/deployments", {"version": "churn:1", "endpoint": "mine"}),
        ("POST", "/endpoints/churn/rollback", {"reason": "r"}),
        ("DELETE", "/endpoints/churn", {"reason": "r"}),
        ("POST", "/actors/local/grants", {"role": "viewer"}),
        ("POST", "/keys", {"actor": "local"}),
        ("POST", "/projects", {"name": "mine"}),
        ("POST", "/backup", None),
    ):
        assert console.ask(method, path, risk, json=body).status_code == 403, path
    assert console.upload(console.bundle(0.9, "churn"), risk).status_code == 403
    assert console.upload(console.bundle(0.9, "newcomer"), risk).status_code == 403, "the default project is not theirs"
    assert console.get("/models/churn")["owner"] == "local"


def test_a_developer_deploys_to_staging_only(console: Console) -> None:
    version = console.register()
    key = console.key_of("developer")
    wish = {"version": version, "endpoint": "fraud"}
    refused = console.ask("POST", "/deployments", key, json={**wish, "environment": "production"})
    assert refused.status_code == 403
    assert console.ask("POST", "/deployments", key, json=wish).status_code == 202


def test_who_may_only_predict_learns_where_and_nothing_else(console: Console) -> None:
    console.report()
    key = console.key_of("predict", "default", "staging")
    assert console.get("/address", key) == console.get("/status")["data"] == {"url": "http://127.0.0.1:8123"}
    assert console.ask("GET", "/status", key).status_code == 403
    assert console.ask("GET", "/address", console.key_of("viewer")).status_code == 403


def test_nobody_grants_the_role_of_the_node(console: Console) -> None:
    assert console.ask("POST", "/actors", json={"name": "eve", "roles": ["node"]}).status_code == 400
    assert console.ask("GET", "/actors", params={"limit": 1}).status_code == 200
    assert "eve" not in {each["name"] for each in console.get("/actors")["items"]}
