"""What a browser or a stranger sends is stopped at the door, and nothing is changed by it (SEC-24)."""

from collections.abc import Iterator

import pytest
from tests.web.console import ADDRESS, API, Console

from headgate.settings import Settings
from headgate.web.api.door import SECURITY_HEADERS

BAD_HOSTS = [
    "evil", "evil:8090", "127.0.0.1:80", "127.0.0.1:8090.evil", "127.0.0.1:8090:8090", "a/b?c", "a@127.0.0.1:8090",
    "localhost:8091", "", "127.0.0.1:8090/", "x" * 300, "127.0.0.1:08090", "127.1:8090", "proxy.example",
    "proxy.example:443:8090",
]  # fmt: skip
BAD_ORIGINS = [
    "null", "http://evil", "https://127.0.0.1:8090.evil", "http://127.0.0.1", "http://localhost:8091", "file://",
    "http://127.0.0.1:8090@evil", "http://127.0.0.1:8090/", "ftp://127.0.0.1:8090", "chrome-extension://abc", "",
    "http://[", "http://evil http://127.0.0.1:8090",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = Console(tmp_path_factory.mktemp("door"), Settings(allowed_hosts="headgate.example, proxy.example:443"))
    yield console
    console.close()


def projects(console: Console) -> int:
    return len(console.get("/projects")["items"])


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_foreign_host_is_refused(shared: Console, host: str) -> None:
    before = projects(shared)
    for path in ("/projects", "/models"):
        method = "POST" if path == "/projects" else "GET"
        answer = shared.ask(method, path, headers={"Host": host}, json={"name": "p1"} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED")
    assert shared.client.get(f"{ADDRESS}/healthz", headers={"Host": host}).status_code == 400
    assert projects(shared) == before


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8090", "localhost:8090", "LOCALHOST:8090", "[::1]:8090", "headgate.example",
             "headgate.example:8090", "proxy.example:443", "localhost"],
)  # fmt: skip
def test_our_own_names_are_taken(shared: Console, host: str) -> None:
    assert shared.ask("GET", "/models", headers={"Host": host}).status_code == 200


def test_two_hosts_are_refused(shared: Console) -> None:
    headers = [("Host", "127.0.0.1:8090"), ("Host", "evil"), ("Authorization", f"Bearer {shared.key}")]
    assert shared.client.get(f"{ADDRESS}{API}/models", headers=headers).status_code == 400


@pytest.mark.parametrize("origin", BAD_ORIGINS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_foreign_origin_is_refused(shared: Console, method: str, origin: str) -> None:
    before = projects(shared)
    answer = shared.ask(method, "/projects", headers={"Origin": origin}, json={"name": "p2"})
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert "access-control-allow-origin" not in answer.headers
    assert projects(shared) == before


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_what_a_browser_calls_foreign_is_refused(shared: Console, site: str) -> None:
    assert shared.ask("GET", "/models", headers={"Sec-Fetch-Site": site}).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://127.0.0.1:8090"}, {"Origin": "https://headgate.example"},
                {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)  # fmt: skip
def test_our_own_pages_are_taken(shared: Console, headers: dict[str, str]) -> None:
    assert shared.ask("GET", "/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "given",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", ""],
)
def test_a_body_of_another_type_is_refused(shared: Console, given: str) -> None:
    before = projects(shared)
    answer = shared.ask("POST", "/projects", content=b'{"name": "p3"}', headers={"Content-Type": given})
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_TYPE")
    assert projects(shared) == before


def test_an_encoded_body_is_refused(shared: Console) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert shared.ask("POST", "/projects", content=b"\x1f\x8b", headers=headers).status_code == 415


def test_bodies_headers_and_addresses_have_limits(shared: Console) -> None:
    large = b'{"name": "' + b"x" * 2_000_000 + b'"}'
    typed = {"Content-Type": "application/json"}
    assert shared.ask("POST", "/projects", content=large, headers=typed).status_code == 413
    # a body that does not say how long it is
    chunked = shared.ask("POST", "/projects", content=iter([large]), headers=typed)
    assert (chunked.status_code, chunked.json()["code"]) == (413, "TOO_LARGE")
    assert shared.ask("GET", "/models", headers={"X-Long": "x" * 20_000}).status_code == 431
    assert shared.ask("GET", f"/models?project={'x' * 5_000}").status_code == 414
    assert shared.ask("POST", "/node/report", shared.node_key, content=iter([large]), headers=typed).status_code == 413


def test_every_answer_carries_the_security_headers(shared: Console) -> None:
    answers = [
        shared.ask("GET", "/models"),
        shared.ask("GET", "/models", ""),
        shared.ask("GET", "/nothing"),
        shared.ask("PUT", "/models"),
        shared.ask("GET", "/models", headers={"Host": "evil"}),
        shared.client.get(f"{ADDRESS}/healthz"),
    ]
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value
        assert len(answer.headers["Headgate-Id"]) == 16
        assert "server" not in answer.headers


def test_forwarding_headers_change_nothing(shared: Console) -> None:
    headers = {"X-Forwarded-Host": "evil", "X-Original-URL": "/healthz", "X-HTTP-Method-Override": "DELETE"}
    assert shared.ask("GET", "/audit", "", headers=headers).status_code == 401
