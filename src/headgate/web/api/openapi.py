"""The document that describes the API, and the schemas of our own records in it."""

from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from headgate import __version__
from headgate.bundle.manifest import Manifest
from headgate.records import EndpointSpec, NodeReport, NodeTables, Signature
from headgate.web.api.guards import PERMISSIONS, PUBLIC, guarded
from headgate.web.api.shapes import RECORD, Shape

router: APIRouter = guarded("api")

SUMMARY = "Takes a trained model to production and keeps it healthy there."
FAILURES = {
    "400": "Malformed, or not a name.",
    "401": "No valid key.",
    "403": "The key's roles do not allow it.",
    "404": "There is no such thing.",
    "409": "A rule or the present state says no.",
    "422": "Not what this address takes.",
    "503": "Not possible right now.",
}


class Failure(Shape):
    """What every error looks like."""

    error: str
    code: str
    detail: list[dict[str, Any]]
    id: str


@router.get("/openapi.json", response_class=JSONResponse)
def openapi(request: Request) -> JSONResponse:
    """This document."""
    return JSONResponse(request.app.openapi())


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of the application, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Headgate", version=__version__, summary=SUMMARY, routes=app.routes, openapi_version="3.1.0"
        )
        _add_records(document)
        document = _referring(document)
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                _complete(operation, PERMISSIONS.get((method.upper(), path), ""))
        app.openapi_schema = document
    return app.openapi_schema


def _add_records(document: dict[str, Any]) -> None:
    _, records = msgspec.json.schema_components(
        (Manifest, Signature, EndpointSpec, NodeReport, NodeTables), ref_template="#/components/schemas/{name}"
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= records
    schemas["Failure"] = Failure.model_json_schema()


def _referring(part: Any) -> Any:
    """The document with references in the places of our records."""
    if isinstance(part, list):
        return [_referring(each) for each in part]
    if not isinstance(part, dict):
        return part
    if RECORD in part:
        reference = {"$ref": f"#/components/schemas/{part[RECORD]}"}
        return {"anyOf": [reference, {"type": "null"}]} if "anyOf" in part else reference
    return {name: _referring(each) for name, each in part.items()}


def _complete(operation: dict[str, Any], permission: str) -> None:
    """Who may call it, and how it fails."""
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    operation["responses"].pop("422", None)
    if permission == PUBLIC:
        operation["security"] = []
        return
    operation["security"] = [{"key": []}]
    operation["x-permission"] = permission
    for status, description in FAILURES.items():
        operation["responses"].setdefault(status, {"description": description, "content": failure})
