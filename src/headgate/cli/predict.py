"""`headgate predict`: rows from a file to an endpoint, predictions back."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import httpx2

from headgate.cli.instance import client, complete_endpoints
from headgate.cli.limits import PRIORITY
from headgate.cli.options import POSITIVE, PlainCommand, choices
from headgate.cli.rendering import show_list, show_one
from headgate.client.client import Client
from headgate.client.document import Document
from headgate.client.tables import predict_body
from headgate.errors import Malformed, NotFound
from headgate.packaging.table import read_file

STDIN = "-"
CSV_TYPE = "text/csv"


@click.command(cls=PlainCommand)
@click.argument("endpoint", metavar="E", shell_complete=complete_endpoints)
@click.option("--data", required=True, metavar="F|-", help="JSON, NDJSON, CSV, Parquet or Arrow file; - reads stdin.")
@click.option("--timeout", type=POSITIVE, metavar="SECONDS", help="Until the answer; default: the endpoint's.")
@click.option("--priority", type=PRIORITY, help="Who goes first when much is asked.")
def predict(endpoint: str, data: str, timeout: float | None, priority: str | None) -> None:
    """Ask endpoint E for predictions of the rows in F.

    JSON is a list of rows, one row, or a body of the native protocol. CSV has a header.
    """
    with client() as instance:
        answer = Document(_ask(instance, endpoint, data, timeout=timeout, priority=priority or "").json())
    if choices().output != "table":
        show_one(answer, {}, brief="predictions")
        return
    probabilities = answer.get("probabilities")
    rows = [
        {"row": place, "prediction": value, "probabilities": probabilities[place] if probabilities else None}
        for place, value in enumerate(answer["predictions"])
    ]
    columns = {"row": lambda row: row["row"], "prediction": lambda row: _cell(row["prediction"])}
    if probabilities:
        columns["probabilities"] = lambda row: " ".join(f"{value:.4f}" for value in row["probabilities"])
    show_list(rows, columns, empty="No rows.", brief="prediction")


def _ask(instance: Client, endpoint: str, data: str, **wishes: Any) -> httpx2.Response:
    if data == STDIN:
        content, suffix = sys.stdin.buffer.read(), ""
    else:
        path = Path(data)
        if not path.is_file():
            raise NotFound(f"Expected rows in {path}, found no such file. `--data -` reads them from stdin.")
        if path.suffix.lower() in (".parquet", ".feather", ".arrow"):
            body = predict_body(dict(read_file(path).columns))
            return instance.predictions.raw(endpoint, body, **wishes)
        content, suffix = path.read_bytes(), path.suffix.lower()
    if is_csv(content, suffix):
        return instance.predictions.raw(endpoint, content, CSV_TYPE, **wishes)
    return instance.predictions.raw(endpoint, json_body(content, suffix), **wishes)


def is_csv(content: bytes, suffix: str) -> bool:
    """By the file's name, else by its first letter: JSON begins with a bracket."""
    if suffix in (".csv", ".json", ".ndjson", ".jsonl"):
        return suffix == ".csv"
    return not content.lstrip().startswith((b"[", b"{"))


def json_body(content: bytes, suffix: str = "") -> bytes:
    """Rows, one row, columns, NDJSON, or a whole body of the native protocol, as that body."""
    value = _parse(content, is_lines=suffix in (".ndjson", ".jsonl"))
    if isinstance(value, list):
        return predict_body(value)
    if not isinstance(value, Mapping):
        raise Malformed(f'Expected rows as JSON objects, got {type(value).__qualname__}. One row: {{"age": 41}}.')
    if value.keys() & {"rows", "instances", "columns"}:
        return content
    return predict_body(value if all(isinstance(cells, list) for cells in value.values()) else [value])


def _parse(content: bytes, *, is_lines: bool) -> Any:
    if not is_lines:
        try:
            return json.loads(content)
        except ValueError as error:
            if b"\n{" not in content.strip():
                raise Malformed(f"Expected JSON, could not read it: {error}.") from error
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise Malformed(f"Expected a JSON object in line {number}, could not read it: {error}.") from error
    return rows


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
