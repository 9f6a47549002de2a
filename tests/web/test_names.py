"""Names that reach for something else, in every path and body that takes a name (SEC-01)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.web.console import API, Console
from tests.web.test_guards import BODIES, FILLED

from headgate.web.api.guards import PERMISSIONS

NAMED = sorted(
    (method, path, part)
    for method, path in PERMISSIONS
    for part in FILLED
    if part in path and part not in ("{number}", "{digest}")
)
# as they stand in the address
WRITTEN = [
    "..%2fetc", "a%2f..%2fb", "..%2f..%2fetc%2fpasswd", "model%2f..", "%2e%2e", "%2Fetc%2Fpasswd", "model%2F", "%20..",
    "..%20", "..%5C..%5Cx", "%2e%2e%2f", "%252e%252e%252f", "..%5c", "..%c0%af", "%00", "a%00b", "a%0ab", "a%0d%0ab",
    "C:%5Cx", "%2F%2Fhost%2Fshare", "%ff%fe", "a%1bb", "-a", ".a", "_a", "a b", "ä", "a%E2%80%A8b", "%7B%7B7*7%7D%7D",
    "a'--", "a%25", "~", "x" * 129, "x" * 256,
]  # fmt: skip
DECODED = [
    "../etc",
    "..",
    "/etc/passwd",
    "..\\x",
    " a",
    "a ",
    "a\nb",
    "a\x00b",
    "\x1b[2J",
    "x" * 129,
    "",
    ".hidden",
    "C:x",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = Console(tmp_path_factory.mktemp("names"))
    yield console
    console.close()


@pytest.fixture(scope="module")
def canary(shared: Console) -> Path:
    path = shared.home.path.parent / "etc"
    path.write_text("CANARY")
    return path


def address(template: str, part: str, name: str) -> str:
    for other, value in FILLED.items():
        template = template.replace(other, name if other == part else value)
    return template.removeprefix(API)


@pytest.mark.parametrize(("method", "path", "part"), NAMED)
def test_no_path_takes_anything_but_a_name(shared: Console, canary: Path, method: str, path: str, part: str) -> None:
    body = None if method == "GET" else BODIES.get(path, {"reason": "r"})
    if path.endswith("/grants"):
        body = {"role": "viewer"}
    if path.endswith("/aliases/{alias}"):
        body = {"version": 1}
    for name in WRITTEN:
        # the address must arrive as it is written: no client may tidy it up
        written = name if name.isascii() else quote(name)
        answer = shared.ask(method, address(path, part, written.replace(" ", "%20")), json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_NAME"), (name, answer.text)
        assert "CANARY" not in answer.text
    assert canary.read_text() == "CANARY"
    assert shared.get("/status")["version"]


def test_names_at_the_edge_of_the_grammar_are_names(shared: Console) -> None:
    for name in ("a", "A9", "model..", "a.b-c_d", "CON", "x" * 128):
        assert shared.ask("GET", f"/models/{name}").status_code == 404


def test_an_address_that_is_too_long_is_refused(shared: Console) -> None:
    assert shared.ask("GET", f"/models/{'x' * 4096}").status_code == 414


@pytest.mark.parametrize("name", DECODED)
def test_no_body_takes_anything_but_a_name(shared: Console, name: str) -> None:
    for path, body in (
        ("/projects", {"name": name}),
        ("/actors", {"name": name, "roles": []}),
        ("/deployments", {"version": f"{name}:1", "endpoint": "fraud"}),
        ("/deployments", {"version": f"fraud@{name}", "endpoint": "fraud"}),
    ):
        answer = shared.ask("POST", path, json=body)
        assert answer.status_code in (400, 422), (path, answer.text)
        assert answer.json()["code"] in ("INVALID_NAME", "INVALID_BODY", "MALFORMED")


def test_an_endpoint_name_in_a_body_is_checked(console: Console) -> None:
    version = console.register()
    for name in DECODED:
        answer = console.ask("POST", "/deployments", json={"version": version, "endpoint": name})
        assert answer.status_code in (400, 422), name
    assert console.get("/endpoints")["items"] == []


@pytest.mark.parametrize("digest", ["0" * 63, "G" * 64, "A" * 64, "0" * 65, "..%2f" * 3])
def test_a_digest_is_64_hex_digits(shared: Console, digest: str) -> None:
    assert shared.ask("GET", f"/node/bundles/{digest}", shared.node_key).status_code == 400


@pytest.mark.parametrize("number", ["0", "-1", "1.0", "x", "1e3", "99999999999999999999", "%31%30x"])
def test_a_version_number_is_a_number(shared: Console, number: str) -> None:
    answer = shared.ask("GET", f"/models/fraud/versions/{number}")
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_BODY")
