"""Every failure has one shape, tells no secrets and never a trace."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.console import ADDRESS, API, Console
from tests.web.test_guards import FILLED

from headgate.errors import Unavailable
from headgate.web.api.guards import PERMISSIONS, PUBLIC

JSON = {"Content-Type": "application/json"}
WITH_BODY = sorted(
    route for route in PERMISSIONS
    if route[0] in ("POST", "PUT", "PATCH") and not route[1].endswith(("/versions", "/backup", "/report"))
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = Console(tmp_path_factory.mktemp("faults"))
    yield console
    console.close()


def filled(template: str) -> str:
    for name, value in FILLED.items():
        template = template.replace(name, value)
    return template


def send(console: Console, method: str, path: str, key: str, **options: Any) -> Response:
    headers = {"Authorization": f"Bearer {key}", **options.pop("headers", {})}
    return console.client.request(method, f"{ADDRESS}{path}", headers=headers, **options)


def assert_shaped(answer: Response) -> None:
    body = answer.json()
    assert set(body) == {"error", "code", "detail", "id"}
    assert body["id"] == answer.headers["Headgate-Id"]
    assert body["error"]
    assert isinstance(body["detail"], list)
    assert answer.headers["Content-Type"] == "application/json"
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text


@pytest.mark.parametrize("route", sorted(PERMISSIONS), ids=" ".join)
def test_every_address_fails_in_one_shape(shared: Console, route: tuple[str, str]) -> None:
    method, template = route
    path = filled(template)
    if PERMISSIONS[route] != PUBLIC:
        anonymous = shared.client.request(method, f"{ADDRESS}{path}")
        assert anonymous.status_code == 401
        assert anonymous.headers["WWW-Authenticate"] == "Bearer"
        assert_shaped(anonymous)
    for other in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {each for each, same in PERMISSIONS if same == template}:
        refused = send(shared, other, path, shared.key)
        assert refused.status_code == 405
        assert refused.json()["code"] == "METHOD_NOT_ALLOWED"
        assert_shaped(refused)
    missing = send(shared, method, f"{path}/nothing/here", shared.key)
    assert missing.status_code == 404
    assert_shaped(missing)


@pytest.mark.parametrize("route", WITH_BODY, ids=" ".join)
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400), (b"", 422), (b"null", 422), (b"[]", 422), (b'"x"', 422), (b"1", 422), (b"{}", 422),
        (b'{"unknown": 1}', 422), (b"\xff\xfe", 400), (b"[" * 100_000, 400), (b'{"a": 1} x', 400),
    ],
)  # fmt: skip
def test_bodies_that_are_wrong_are_told_so(
    shared: Console, route: tuple[str, str], content: bytes, status: int
) -> None:
    method, template = route
    answer = send(
        shared, method, filled(template), shared.key, content=content, headers={"Content-Type": "application/json"}
    )
    # an amendment may be empty: then it is the model that is not there
    assert answer.status_code == status or (content == b"{}" and method == "PATCH" and answer.status_code == 404)
    assert_shaped(answer)


def test_a_wrong_body_tells_a_stranger_nothing(shared: Console) -> None:
    for content in (b"{", b"{}", b'{"unknown": 1}'):
        answer = shared.ask("POST", "/projects", "", content=content, headers=JSON)
        assert answer.status_code == 401
        viewer = shared.ask(
            "POST", "/projects", shared.node_key, content=content, headers={"Content-Type": "application/json"}
        )
        assert viewer.status_code == 403


def test_details_point_at_the_place(shared: Console) -> None:
    answer = shared.ask("POST", "/keys", json={"actor": "local", "expires_days": -1})
    assert answer.json()["detail"] == [
        {"place": "body.expires_days", "expected": "Input should be greater than 0", "got": "'-1'"}
    ]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "limit=1e3"])
def test_limits_are_checked(shared: Console, query: str) -> None:
    for path in ("/models", "/endpoints", "/audit", "/actors", "/keys", "/projects"):
        assert shared.ask("GET", f"{path}?{query}").status_code == 422


@pytest.mark.parametrize("cursor", ["x", "%00", "zzzz", "Li4v", "w", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAx"])
def test_cursors_that_were_not_given_out_break_nothing(shared: Console, cursor: str) -> None:
    for path in ("/models", "/endpoints", "/audit", "/actors", "/keys", "/projects"):
        assert shared.ask("GET", f"{path}?cursor={cursor}").status_code in (200, 400)


def test_what_nobody_foresaw_is_a_500_without_a_word_of_it(
    shared: Console, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("CANARY_SECRET in /home/ann")

    monkeypatch.setattr("headgate.web.api.models.list_models", broken)
    with caplog.at_level(logging.ERROR):
        answer = shared.ask("GET", "/models")
    assert answer.status_code == 500
    assert "CANARY" not in answer.text
    assert_shaped(answer)
    assert answer.json()["id"] in caplog.text


def test_a_database_that_is_busy_asks_to_come_back(shared: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise Unavailable("Another process is writing.", retry_after=1.0)

    monkeypatch.setattr("headgate.web.api.models.list_models", busy)
    answer = shared.ask("GET", "/models")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_what_strangers_write_stays_on_one_line_of_the_log(shared: Console, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="headgate"):
        shared.ask("GET", "/models/x%0aFORGED", headers={"X-Evil": "a b"})
        shared.ask("POST", "/projects", json={"name": "a\nFORGED \x1b[2J\u2028"})
        shared.ask("GET", "/audit", params={"object": "a\nFORGED"})
    assert all("\n" not in record.getMessage() and "\x1b" not in record.getMessage() for record in caplog.records)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(
    route=st.sampled_from(WITH_BODY),
    body=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("name", "reason", "version", "endpoint", "actor", "role", "tags"), json_values)
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_whatsoever_breaks_anything(shared: Console, route: tuple[str, str], body: bytes) -> None:
    method, template = route
    answer = send(
        shared, method, filled(template), shared.key, content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert_shaped(answer)


def test_the_api_has_its_addresses_under_one_root() -> None:
    assert all(path.startswith(API) for _, path in PERMISSIONS if path not in ("/healthz", "/readyz", "/metrics"))


@pytest.mark.parametrize(
    "content", [rb'{"\ud800": 1}', rb'{"name": "\ud800"}', rb'{"a\nb\u2028": 1}', rb'{"name": "\u0000"}']
)
def test_text_that_cannot_be_sent_back_is_escaped(shared: Console, content: bytes) -> None:
    answer = shared.ask("POST", "/projects", content=content, headers=JSON)
    assert answer.status_code in (400, 422)
    assert_shaped(answer)
    assert answer.text.isascii()
