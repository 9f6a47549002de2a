"""Rows as TensorFlow Serving first wrote them, and many after it: `instances` row by row, `inputs` column by column.

An instance is a cell (of a model with one column), a list of cells or an object of them; bytes are `{"b64": …}`.
"""

import re
from collections.abc import Mapping
from typing import Any

from headgate.errors import HeadgateError, Malformed, SignatureMismatch
from headgate.records import Column
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.json import JsonDecoder
from headgate.serving.formats.second_look import check_keys, parse, too_deep
from headgate.serving.problems import count_problem, kind_of

INSTANCES, INPUTS = "instances", "inputs"
# text without its end goes on to the last byte, so that nothing is looked at twice
_TEXT_OR_NAN = re.compile(rb'"(?:[^"\\]+|\\.)*"?|NaN', re.DOTALL)
_PLAIN = b'{"instances"'


class InstanceDecoder:
    """Reads the documents of one contract's clients."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._documents = JsonDecoder(contract)
        self._features = contract.features
        self._columns = {column.name: column for column in contract.features}
        # rows of cells are what our own protocol calls instances too
        self._plain = len(contract.features) > 1

    def read_plain(self, body: bytes | bytearray) -> Rows | None:
        """The rows of a body with nothing but instances that are lists of cells; None for any other."""
        if not (self._plain and body.startswith(_PLAIN)):
            return None
        try:
            return self._documents.decode(body)
        except HeadgateError:
            return None  # the long way says what is wrong

    def read(self, document: Mapping[str, Any]) -> Rows:
        """The rows of a document with instances or inputs; raises `SignatureMismatch` or `TooLarge`."""
        given = [name for name in (INSTANCES, INPUTS) if name in document]
        if len(given) != 1:
            raise SignatureMismatch(f"Expected exactly one of instances and inputs, got {len(given)} of them.")
        content = document[given[0]]
        return self._documents.read(self._by_row(content) if given[0] == INSTANCES else self._by_column(content))

    def _by_row(self, content: Any) -> dict[str, Any]:
        if not isinstance(content, list):
            return {INSTANCES: content}
        if (error := count_problem(self._contract, len(content))) is not None:
            raise error
        if all(isinstance(row, dict) for row in content):
            return {"rows": content}
        if len(self._features) == 1:
            return {"columns": {self._features[0].name: self._unwrapped(self._features[0], content)}}
        return {INSTANCES: content}

    def _by_column(self, content: Any) -> dict[str, Any]:
        if not isinstance(content, dict):
            return self._by_row(content)
        if len(content) == 1 and not content.keys() & self._columns.keys():
            # the only input of a model, under a name of the client's own
            return self._by_row(next(iter(content.values())))
        named = self._columns
        return {"columns": {name: self._unwrapped(named.get(name), cells) for name, cells in content.items()}}

    def _unwrapped(self, column: Column | None, cells: Any) -> Any:
        """The cells of a column [rows], where they came as [rows, 1]."""
        return [cell[0] for cell in cells] if column is not None and not column.shape and are_wrapped(cells) else cells


def are_wrapped(cells: Any) -> bool:
    """Is it a column [rows, 1]?"""
    return isinstance(cells, list) and all(isinstance(cell, list) and len(cell) == 1 for cell in cells)


def parse_document(body: bytes | bytearray, *, lenient: bool = False) -> Any:
    """The document, whose objects have no key twice, with `{"b64": text}` as text, which is how we write bytes.

    Lenient: NaN is taken for a missing value, as Python's own JSON writes it. Raises `Malformed`, or
    `SignatureMismatch` for huge numbers.
    """
    try:
        document = parse(body)
    except Malformed:
        if not lenient or b"NaN" not in body:
            raise
        body = _without_nan(body)
        document = parse(body)
    check_keys(body, document)
    try:
        return _with_bytes(document) if b'"b64"' in body else document
    except RecursionError:
        raise too_deep() from None


def parse_object(body: bytes | bytearray, *, lenient: bool = False) -> dict[str, Any]:
    """The document, an object; raises what `parse_document` does."""
    document = parse_document(body, lenient=lenient)
    if not isinstance(document, dict):
        raise Malformed(f"Expected a JSON object, got {kind_of(document)}.")
    return document


def _with_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("b64"), str):
            return value["b64"]
        return {name: _with_bytes(cell) for name, cell in value.items()}
    if isinstance(value, list):
        return [_with_bytes(cell) if isinstance(cell, (dict, list)) else cell for cell in value]
    return value


def _without_nan(body: bytes | bytearray) -> bytes:
    """The body with null for every NaN that stands outside of text."""
    return _TEXT_OR_NAN.sub(lambda found: b"null" if found[0] == b"NaN" else found[0], body)
