"""Azure ML's online endpoints: `/score` with `data`, `input_data` or `Inputs`.

Source: Microsoft Learn, "Deploy a model to an online endpoint" and "Deploy MLflow models to online endpoints".
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headgate.errors import HeadgateError, SignatureMismatch
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Write
from headgate.serving.dialects.instances import INPUTS, INSTANCES, InstanceDecoder, parse_object
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.formats.texts import Texts
from headgate.serving.responses import JSON, Whole, error_headers, head_of

FIELDS = ("input_data", "data", "Inputs")


class AzureML:
    """The dialect."""

    name = "azureml"
    routes = (Route("POST", "/score", PREDICT), Route("GET", "/score", "alive", public=True))
    headers = ()
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode a list of rows, or an object of columns, under one of the three names."""
        reader = InstanceDecoder(contract)

        def decode(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            return reader.read(table_in(parse_object(body, lenient=True)))

        return decode

    def encoder(self, origin: Origin) -> Write:
        """Encode the predictions, a list."""
        head = head_of(200, JSON, origin.headers)

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            texts = Texts(outputs["predictions"])
            return lambda _id, start, stop, _rows: (head, texts.part(start, stop))

        return write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"error": {"code", "message"}}`; what the model itself does wrong is 424, as Azure's router says it."""
        statuses = {422: 400, 500: 424}
        status = statuses.get(error.status, error.status)
        content = {"error": {"code": error.code, "message": error.message}}
        return head_of(status, JSON, error_headers(error)), orjson.dumps(content)

    def tell(self, _question: Question, _node: Node) -> Whole:
        """It is there."""
        return head_of(200, "text/plain; charset=utf-8"), b"Healthy"


def table_in(document: Mapping[str, Any]) -> dict[str, Any]:
    """The table, by row or by column; raises `SignatureMismatch`."""
    given = [name for name in FIELDS if name in document]
    if len(given) != 1:
        raise SignatureMismatch(f"Expected exactly one of {', '.join(FIELDS)}, got {len(given)} of them.")
    content = document[given[0]]
    if isinstance(content, dict) and given[0] == "Inputs" and len(content) == 1:
        content = next(iter(content.values()))
    if not isinstance(content, dict):
        return {INSTANCES: content}
    return {INSTANCES: from_split(content)} if "columns" in content else {INPUTS: content}


def from_split(content: Mapping[str, Any]) -> list[Any]:
    """The rows of `{"columns", "data"}`; raises `SignatureMismatch`."""
    names, rows = content.get("columns"), content.get("data")
    if not isinstance(names, list) or not isinstance(rows, list):
        raise SignatureMismatch("Expected a list of names under columns and a list of rows under data.")
    if len(set(map(str, names))) < len(names):
        raise SignatureMismatch("Expected names under columns that differ, got one twice.")
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise SignatureMismatch(f"Expected rows of {len(names)} cells, one per name in columns.")
    return [dict(zip(map(str, names), row, strict=True)) for row in rows]
