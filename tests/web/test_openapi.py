"""The document describes what is there."""

from typing import Any

from tests.web.console import Console

from headgate.web.api.guards import API, PERMISSIONS, PUBLIC


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        mine = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return mine.union(*(references(each) for each in part.values()))
    return set().union(*(references(each) for each in part)) if isinstance(part, list) else set()


def test_every_address_is_described_with_its_permission(console: Console) -> None:
    document = console.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    described = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(described) == set(PERMISSIONS)
    for route, operation in described.items():
        assert operation["summary"], route
        assert operation["tags"], route
        if PERMISSIONS[route] == PUBLIC:
            assert operation["security"] == []
        else:
            assert operation["security"] == [{"key": []}]
            assert operation["x-permission"] == PERMISSIONS[route]
            assert operation["responses"]["401"]["content"]["application/json"]["schema"]["$ref"].endswith("/Failure")
    assert len({operation["operationId"] for operation in described.values()}) == len(described)


def test_every_reference_leads_somewhere(console: Console) -> None:
    document = console.get("/openapi.json")
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    assert schemas["WholeVersion"]["properties"]["manifest"] == {"$ref": "#/components/schemas/Manifest"}
    assert "HTTPValidationError" not in schemas
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_answers_are_typed(console: Console) -> None:
    document = console.get("/openapi.json")
    untyped = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        if status in ("200", "201", "202") and not _typed(answer)
    ]
    assert untyped == [("get", f"{API}/openapi.json")]


def _typed(answer: dict[str, Any]) -> bool:
    contents = answer.get("content", {})
    return bool(contents) and all("json" not in kind or content.get("schema") for kind, content in contents.items())


def test_there_is_no_page_from_elsewhere(console: Console) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/"):
        assert console.client.get(f"http://127.0.0.1:8090{path}").status_code == 404
