"""MLflow's scoring server: `/invocations` in its five JSON shapes and CSV.

Source: mlflow, `mlflow/pyfunc/scoring_server/__init__.py`; its texts are what its own clients' tests compare.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headgate import __version__
from headgate.errors import HeadgateError, Malformed, NotFound, UnsupportedType
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Write
from headgate.serving.dialects.instances import INPUTS, INSTANCES, InstanceDecoder, parse_document
from headgate.serving.formats.csv import CsvFormat
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.formats.json import JsonDecoder
from headgate.serving.formats.texts import Texts
from headgate.serving.responses import JSON, Whole, error_headers, head_of

TEXT = "text/plain; charset=utf-8"
KINDS = ("text/csv", JSON)
SPLIT, RECORDS = "dataframe_split", "dataframe_records"
UNWRAPPED = "unwrapped"  # how whoever sends a row by itself gets the predictions
SHAPES = (SPLIT, RECORDS, INSTANCES, INPUTS)
LARGE_LANGUAGE = ("messages", "prompt", "input")
NOT_JSON = "Failed to parse input from JSON. Ensure that input is a valid JSON formatted string."
ONE_FIELD = (
    "The input must be a JSON dictionary with exactly one of the input fields "
    "{'dataframe_split', 'dataframe_records', 'instances', 'inputs'}"
)

BAD_SPLIT = "Provided dataframe_split field is not a valid dataframe representation in 'split' format."


class MLflow:
    """The dialect."""

    name = "mlflow"
    routes = (
        Route("GET", "/ping", "ping", public=True),
        Route("GET", "/health", "ping", public=True),
        Route("GET", "/version", "version", public=True),
        Route("POST", "/invocations", PREDICT),
    )
    headers = ()
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode a document with exactly one of the four fields, unwrapped text of a language model, or CSV."""
        return ScoringDecoder(contract).decode

    def encoder(self, origin: Origin) -> Write:
        """Encode `{"predictions"}`."""
        head = head_of(200, JSON, origin.headers)

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            texts = Texts(outputs["predictions"])

            def whole(_id: str, start: int, stop: int, rows: Rows) -> Whole:
                part = texts.part(start, stop)
                return head, part if rows.asked == UNWRAPPED else b'{"predictions":%b}' % part

            return whole

        return write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"error_code", "message"}`; a content type that is not taken is told in plain text."""
        if isinstance(error, UnsupportedType):
            return head_of(error.status, TEXT), error.message.encode()
        status = 400 if error.status == 422 else error.status
        code = "BAD_REQUEST" if status == 400 else error.code
        return head_of(status, JSON, error_headers(error)), orjson.dumps({"error_code": code, "message": error.message})

    def tell(self, question: Question, node: Node) -> Whole:
        """Health, and the version."""
        if question.does == "version":
            return head_of(200, TEXT), __version__.encode()
        if not node.ready:
            raise NotFound("No model is ready.")
        return head_of(200, JSON), b"\n"


class ScoringDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._documents, self._instances = JsonDecoder(contract), InstanceDecoder(contract)
        self._read_csv = CsvFormat().decoder(contract)

    def decode(self, body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows:
        """The rows of a body; raises `UnsupportedType`, `Malformed`, `SignatureMismatch` or `TooLarge`."""
        kind = _kind_of(headers.get("content-type", b""))
        if kind == "text/csv":
            return self._read_csv(body)
        rows = self._instances.read_plain(body)
        return self._read(_document(body)) if rows is None else rows

    def _read(self, document: Mapping[str, Any]) -> Rows:
        field = _field(document)
        if field == SPLIT:
            return self._documents.read(_from_split(document[SPLIT]))
        if field == RECORDS:
            return self._documents.read({"rows": _records(document[RECORDS])})
        if field in (INSTANCES, INPUTS):
            return self._instances.read({field: document[field]})
        rows = self._documents.read({"rows": [document]})
        rows.asked = UNWRAPPED
        return rows


def _kind_of(content_type: bytes) -> str:
    """The media type; raises `UnsupportedType` for any that is not taken."""
    kind, *pairs = (part.strip() for part in content_type.decode("latin-1").split(";"))
    parameters = {name: value for pair in pairs if pair for name, _, value in [pair.partition("=")]}
    if parameters.pop("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedType("The scoring server only supports UTF-8")
    if parameters:
        raise UnsupportedType(f"Unrecognized content type parameters: {', '.join(parameters)[:64]}.")
    if kind.lower() not in KINDS:
        raise UnsupportedType(
            f"This predictor only supports the following content types: Types: {list(KINDS)}. "
            f"Got '{content_type[:64].decode('latin-1')}'."
        )
    return kind.lower()


def _document(body: bytes | bytearray) -> dict[str, Any]:
    try:
        document = parse_document(body, lenient=True)
    except Malformed as error:
        raise Malformed(f"{NOT_JSON} Error: '{error.message}'.") from None
    if not isinstance(document, dict):
        got = "a list" if isinstance(document, list) else f"unexpected input type '{type(document)}'"
        raise Malformed(f"{ONE_FIELD}. Received {got}.")
    return document


def _field(document: Mapping[str, Any]) -> str:
    """The one field with rows, among others that are passed over; empty for a document that is the row itself."""
    given = [name for name in document if name in SHAPES]
    if not given and any(name in document for name in LARGE_LANGUAGE):
        return ""
    if len(given) != 1:
        raise Malformed(f"{ONE_FIELD}. Received dictionary with input fields: {sorted(document)[:8]}.")
    return given[0]


def _from_split(split: Any) -> dict[str, Any]:
    if not isinstance(split, dict):
        raise Malformed(f"Dataframe split format must be a dictionary. Got {type(split).__name__}.")
    names, data = split.get("columns"), split.get("data")
    if not isinstance(data, list) or split.keys() - {"columns", "data", "index"}:
        raise Malformed(BAD_SPLIT)
    return {"instances": data} if names is None else {"columns": _columns(names, data)}


def _columns(names: Any, data: list[Any]) -> dict[str, Any]:
    if not isinstance(names, list) or not all(isinstance(row, list) and len(row) == len(names) for row in data):
        raise Malformed(BAD_SPLIT)
    if len(set(map(str, names))) < len(names):
        raise Malformed("A name of a column occurs twice in dataframe_split.")
    cells = zip(*data, strict=True) if data else [[] for _ in names]
    return {str(name): list(column) for name, column in zip(names, cells, strict=True)}


def _records(records: Any) -> Any:
    if not isinstance(records, list):
        kind = "dictionary" if isinstance(records, dict) else f"type {type(records)}"
        raise Malformed(f"Dataframe records format must be a list of records. Got {kind}.")
    return records
