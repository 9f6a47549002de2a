"""What containers of SageMaker read and write: JSON in several shapes, CSV without a header, JSON lines.

Source: AWS, "Common data formats for inference", and the containers of scikit-learn, XGBoost and Hugging Face.
"""

import base64
import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headgate.errors import HeadgateError, Malformed, UnsupportedType
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import Write
from headgate.serving.dialects.instances import INPUTS, INSTANCES, InstanceDecoder, parse_document
from headgate.serving.formats.csv import CsvFormat
from headgate.serving.formats.format import NO_HEADERS, Array, Body, Encode, Headers, Origin
from headgate.serving.formats.json import JsonDecoder
from headgate.serving.formats.ndjson import NdjsonFormat
from headgate.serving.formats.texts import Texts, key_of
from headgate.serving.problems import kind_of
from headgate.serving.request_headers import media_type_of, reply_for, shown
from headgate.serving.responses import JSON, Whole, head_of

CSV, LINES = "text/csv", "application/jsonlines"
JSON_LINES = (LINES, "application/x-jsonlines", "application/jsonl", "application/x-ndjson")
# what `Accept` may say → what is answered; the first where it says nothing
ANSWERS = {JSON: JSON, CSV: CSV, **dict.fromkeys(JSON_LINES, LINES)}
OURS = ("rows", "columns", "ids")
FEATURES = "features"  # around the cells of a row, as SageMaker's own algorithms want it
INLINE_BYTES = 16 * 1024  # CSV is the slowest


class BodyDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._names = frozenset(contract.columns)
        self._header = _line([column.name for column in contract.features])
        self._width = len(contract.features)
        self._documents, self._instances = JsonDecoder(contract), InstanceDecoder(contract)
        self._read_csv, self._read_lines = CsvFormat().decoder(contract), NdjsonFormat().decoder(contract)

    def decode(self, body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows:
        """The rows of a body; raises `UnsupportedType`, `Malformed`, `SignatureMismatch` or `TooLarge`."""
        given = headers.get("content-type", b"")
        kind = media_type_of(given) if given else JSON
        if kind == JSON:
            rows = self._instances.read_plain(body) or self._read(parse_document(body, lenient=True))
        elif kind == CSV:
            rows = self._from_csv(bytes(body), given)
        elif kind in JSON_LINES:
            rows = self._from_lines(body)
        else:
            taken = ", ".join((JSON, CSV, *JSON_LINES))
            raise UnsupportedType(f"Expected a Content-Type out of: {taken} (in UTF-8). Got {shown(given)}.")
        if "accept" in headers:
            rows.asked = reply_for(ANSWERS, headers["accept"])
        return rows

    def _read(self, document: Any) -> Rows:
        if isinstance(document, dict):
            return self._from_object(document)
        if not isinstance(document, list):
            raise Malformed(f"Expected a JSON object or a list of rows, got {kind_of(document)}.")
        # a list of cells is one row, or as many as it has where a row is one cell
        nested = any(isinstance(row, (list, dict)) for row in document)
        several = nested or self._width == 1
        return self._instances.read({INSTANCES: self._bare(document) if several else [document]})

    def _from_object(self, document: dict[str, Any]) -> Rows:
        if INSTANCES in document and not document.keys() & OURS:
            return self._instances.read({**document, INSTANCES: self._bare(document[INSTANCES])})
        if INPUTS in document:
            inputs = document[INPUTS]
            return self._instances.read({INPUTS: inputs if isinstance(inputs, (list, dict)) else [inputs]})
        if document.keys() & {INSTANCES, *OURS}:
            return self._documents.read(document)
        return self._instances.read({INSTANCES: self._bare([document])})

    def _bare(self, rows: Any) -> Any:
        """Rows without `{"features": […]}` around each, unless that is what a column is called."""
        if FEATURES in self._names or not isinstance(rows, list):
            return rows
        if not rows or not all(isinstance(row, dict) and row.keys() == {FEATURES} for row in rows):
            return rows
        return [row[FEATURES] for row in rows]

    def _from_csv(self, body: bytes, content_type: bytes) -> Rows:
        """A header is there where `Content-Type` says so, or where all of the first line are names of columns."""
        parameters = content_type.lower().replace(b" ", b"")
        headed = b"header=present" in parameters
        if not headed and b"header=absent" not in parameters:
            headed = self._is_header(body.partition(b"\n")[0])
        return self._read_csv(body if headed else self._header + body.removeprefix(b"\xef\xbb\xbf"))

    def _is_header(self, line: bytes) -> bool:
        try:
            fields = next(csv.reader([line.decode("utf-8-sig").rstrip("\r")], strict=True), [])
        except (UnicodeDecodeError, csv.Error):
            return False  # whoever reads it whole says what is wrong
        return bool(fields) and self._names.issuperset(fields)

    def _from_lines(self, body: bytes | bytearray) -> Rows:
        try:
            return self._read_lines(body)
        except HeadgateError:
            if FEATURES.encode() not in body:
                raise
            rows = [parse_document(line) for line in bytes(body).split(b"\n") if line.strip()]
            bare = self._bare(rows)
            if bare is rows:
                raise
        return self._instances.read({INSTANCES: bare})


def answer_writer(origin: Origin, headers: dict[str, str]) -> Write:
    """Answers in what each caller accepts; `headers` stand in the head of every one."""
    encoders: dict[str, Encode] = {JSON: _encode_json, CSV: _encode_csv, LINES: NdjsonFormat().encoder(origin)}
    heads = {kind: head_of(200, kind, origin.headers | headers) for kind in encoders}

    def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
        bodies: dict[str, Body] = {}

        def whole(request_id: str, start: int, stop: int, rows: Rows) -> Whole:
            kind = rows.asked or JSON
            body = bodies.get(kind)
            if body is None:
                body = bodies[kind] = encoders[kind](outputs)
            return heads[kind], body(request_id, start, stop, rows.ids)

        return whole

    return write


def _encode_json(outputs: Mapping[str, Array]) -> Body:
    """`{"predictions", …}`: every output under its name."""
    columns = [(key_of(name), Texts(array)) for name, array in outputs.items()]

    def body(_request_id: str, start: int, stop: int, ids: Any) -> bytes:
        parts = b"".join(key + texts.part(start, stop) for key, texts in columns)
        told = b"" if ids is None else b',"ids":' + orjson.dumps(ids)
        return b"{%b%b}" % (parts[1:], told)

    return body


def _encode_csv(outputs: Mapping[str, Array]) -> Body:
    """One line per row, without a header: the predictions and nothing else, as SageMaker's own algorithms answer."""
    predictions = outputs["predictions"]
    lines = [_line(cells) for cells in predictions.reshape(len(predictions), -1).tolist()]
    return lambda _request_id, start, stop, _ids: b"".join(lines[start:stop])


def _line(cells: list[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
