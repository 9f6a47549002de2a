"""Lists come in pages that neither miss nor repeat."""

import pytest
from tests.web.console import Console


def all_pages(console: Console, path: str, limit: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor = None
    for _ in range(100):
        params = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        page = console.get(path, params=params)
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_every_list_is_whole_in_pages_of_any_size(console: Console, limit: int) -> None:
    for name in ("b", "A", "c"):
        console.post("/projects", {"name": name})
        console.register(0.5, f"model-{name}")
        console.deploy(f"model-{name}:1", name)
        console.post("/actors", {"name": name})
    console.register(0.75, "model-b")
    console.deploy("model-b:2", "b")
    for path, key, names in (
        ("/projects", "name", ["A", "b", "c", "default"]),
        ("/models", "name", ["model-A", "model-b", "model-c"]),
        ("/models/model-b/versions", "version", ["model-b:2", "model-b:1"]),
        ("/endpoints", "name", ["A", "b", "c"]),
        ("/actors", "name", ["A", "b", "c", "local", "node"]),
        ("/endpoints/b/rollouts", "to", ["model-b:2", "model-b:1"]),
    ):
        assert [each[key] for each in all_pages(console, path, limit)] == names, path
    numbers = [each["number"] for each in all_pages(console, "/audit", limit * 7 % 1000 or 1)]
    assert numbers == list(range(len(numbers), 0, -1))
    assert len(all_pages(console, "/keys", limit)) == 2


def test_the_audit_can_be_narrowed(console: Console) -> None:
    key = console.key_of("admin", name="ann")
    console.post("/projects", {"name": "risk"}, key)
    assert [each["verb"] for each in console.get("/audit", params={"actor": "ann"})["items"]] == ["project.create"]
    assert console.get("/audit", params={"object": "project:nothing"})["items"] == []


def test_two_versions_are_compared(console: Console) -> None:
    console.register(0.5)
    console.register(0.75)
    diff = console.get("/models/fraud/diff", params={"left": 1, "right": 2})
    assert (diff["left"], diff["right"]) == ("fraud:1", "fraud:2")
    assert {"path", "left", "right"} == set(diff["changes"][0])
    assert any(change["path"].startswith("files.") for change in diff["changes"])
    assert console.get("/models/fraud/diff", params={"left": 1, "right": 1})["changes"] == []


def test_environments_say_where_approval_binds(console: Console) -> None:
    found = {each["name"]: each["needs_approval"] for each in console.get("/environments")["items"]}
    assert found == {"production": True, "staging": False}
