"""The OpenAPI 3.1 document of one endpoint, from its contract: with an example that works when it is pasted."""

import base64
from collections.abc import Sequence
from typing import Any

from headgate import __version__
from headgate.records import Column, RouteTable
from headgate.serving.cells import FLOAT32_MAX, INTEGERS

_BINARY = {"type": "string", "format": "binary"}
OTHER_FORMATS: dict[str, dict[str, Any]] = {
    "text/csv": {"type": "string"},
    "application/x-ndjson": {"type": "string", "description": "One row per line; its id under `id`."},
    "application/vnd.apache.arrow.stream": _BINARY,
    "application/vnd.apache.parquet": _BINARY,
}
EVENTS = {
    "text/event-stream": {
        "schema": {"type": "string"},
        "description": "`part` events as the model makes them, `end` with the id, or `error`.",
    }
}
ERRORS = {
    "400": "The request cannot be read.",
    "401": "A key is needed.",
    "403": "The key may not predict here.",
    "404": "There is no such endpoint.",
    "413": "The body or its row count is over the limit.",
    "415": "The content type is not understood.",
    "422": "The rows do not fit the contract; `detail` points at row and column.",
    "500": "The model failed.",
    "503": "Full or not ready; try again after `Retry-After` seconds.",
    "504": "The deadline passed.",
}


def document(table: RouteTable, outputs: Sequence[Column]) -> dict[str, Any]:
    """Everything a client needs to know of an endpoint."""
    path = f"/v1/endpoints/{table.endpoint}/predict"
    responses: dict[str, Any] = {
        "200": {
            "description": "One prediction per row, in order.",
            "content": {"application/json": {"schema": answer_schema(table, outputs)}}
            | dict.fromkeys(OTHER_FORMATS, {})
            | EVENTS,
        }
    }
    reference = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses |= {status: {"description": text, "content": reference} for status, text in ERRORS.items()}
    operation = {
        "operationId": "predict",
        "summary": f"Predict with {table.endpoint}",
        "parameters": [header(name, text) for name, text in HEADERS.items()],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": request_schema(table), "example": example_request(table)},
            }
            | {media_type: {"schema": schema} for media_type, schema in OTHER_FORMATS.items()},
        },
        "responses": responses,
        "security": [{}, {"key": []}],
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": table.endpoint,
            "version": str(table.contract_version),
            "description": f"Contract {table.contract_version} of this endpoint, by Headgate {__version__}.",
        },
        "paths": {path: {"post": operation}},
        "components": {
            "schemas": {"Error": ERROR_SCHEMA},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


HEADERS = {
    "Headgate-Id": "Your own id for the request, echoed in the answer.",
    "Headgate-Key": "Requests with one key are answered by one variant.",
    "Headgate-Priority": "high, normal or low: who goes first where not all can; high needs a key that may claim it.",
    "Headgate-Timeout-Ms": "How long you wait, in milliseconds.",
    "Headgate-Variant": "The version or role that is to answer; needs a permission.",
}
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error", "code", "detail", "id"],
    "properties": {
        "error": {"type": "string"},
        "code": {"type": "string"},
        "detail": {"type": "array", "items": {"type": "object"}},
        "id": {"type": "string"},
    },
}


def header(name: str, text: str) -> dict[str, Any]:
    """An optional request header."""
    return {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}


def request_schema(table: RouteTable) -> dict[str, Any]:
    """Exactly one of rows, instances and columns."""
    columns = table.contract.inputs
    features = table.contract.features
    required = [column.name for column in features]
    row = {
        "type": "object",
        "properties": {column.name: cell_schema(column, column not in features) for column in columns},
        "required": required,
        "additionalProperties": False,
    }
    lists = {column.name: {"type": "array", "items": cell_schema(column, column not in features)} for column in columns}
    forms: dict[str, dict[str, Any]] = {
        "rows": {"type": "array", "items": row},
        "instances": {
            "type": "array",
            "items": {"type": "array", "prefixItems": [cell_schema(column, False) for column in features]},
        },
        "columns": {"type": "object", "properties": lists, "required": required, "additionalProperties": False},
    }
    limits: dict[str, Any] = {"minItems": 1, "maxItems": table.spec.limits.max_rows}
    ids = {"type": "array", "items": {"type": "string"}, "description": "Your own ids of the rows."}
    return {
        "oneOf": [
            {
                "type": "object",
                "required": [name],
                "properties": {name: form | (limits if form["type"] == "array" else {}), "ids": ids},
                "additionalProperties": False,
            }
            for name, form in forms.items()
        ]
    }


def answer_schema(table: RouteTable, outputs: Sequence[Column]) -> dict[str, Any]:
    """What a prediction answers."""
    text = {"type": "string"}
    lists = {column.name: {"type": "array", "items": cell_schema(column, False)} for column in outputs}
    properties: dict[str, Any] = {"id": text, "endpoint": text, "model": text, **lists}
    if "probabilities" in lists and table.classes:
        classes = ", ".join(str(name) for name in table.classes)
        properties["probabilities"] = lists["probabilities"] | {"description": f"By class, in this order: {classes}."}
    return {
        "type": "object",
        "required": ["id", "endpoint", "model", *lists],
        "properties": properties | {"ids": {"type": "array", "items": text}},
    }


def cell_schema(column: Column, may_be_null: bool) -> dict[str, Any]:
    """JSON Schema of one row's value."""
    schema = scalar_schema(column)
    for size in reversed(column.shape):
        schema = {"type": "array", "items": schema} | ({"minItems": size, "maxItems": size} if size >= 0 else {})
    if column.nullable or may_be_null:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def scalar_schema(column: Column) -> dict[str, Any]:
    """JSON Schema of the dtype, with the levels and the range seen in training as a description only."""
    if column.dtype in INTEGERS:
        low, high = INTEGERS[column.dtype]
        schema: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
    else:
        schema = dict(SCALARS[column.dtype])
    if column.categories:
        schema["description"] = "Seen in training: " + ", ".join(str(level) for level in column.categories[:20])
    elif column.minimum is not None and column.maximum is not None:
        schema["description"] = f"Seen in training: {column.minimum:g} to {column.maximum:g}"
    return schema


SCALARS: dict[str, dict[str, Any]] = {
    "uint64": {"type": "integer", "minimum": 0, "maximum": (1 << 64) - 1},
    "float32": {"type": "number", "minimum": -FLOAT32_MAX, "maximum": FLOAT32_MAX},
    "float64": {"type": "number"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
}


def example_request(table: RouteTable) -> dict[str, Any]:
    """One row that the endpoint answers."""
    return {"rows": [{column.name: example_cell(column) for column in table.contract.inputs}]}


def example_cell(column: Column) -> Any:
    """The column's own example where it has one, else a value that fits."""
    value: Any = column.example
    if value is None and not column.shape:
        value = column.categories[0] if column.categories else _made_up(column)
    if column.shape:
        value = _made_up(column)
        for size in reversed(column.shape):
            value = [value] * max(1, size) if size != 0 else []
    return value


def _made_up(column: Column) -> Any:
    low, high = INTEGERS.get(column.dtype, (0, 0))
    middle = ((column.minimum or 0.0) + (column.maximum or 0.0)) / 2
    made: dict[str, Any] = {
        "bool": False, "string": "text", "bytes": base64.b64encode(b"bytes").decode(),
        "datetime": "2026-01-01T00:00:00Z", "float32": middle, "float64": middle, "uint64": max(0, int(middle)),
    }  # fmt: skip
    return made.get(column.dtype, min(max(int(middle), low), high))
