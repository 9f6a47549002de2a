"""CSV after RFC 4180: a header row with the names of the columns, then rows; types are those of the contract.

An empty field is null, or empty text where the column is text that cannot be null. Numbers are written as in JSON,
booleans as true and false, read also as True and False as data frames write them, times in ISO 8601, bytes in base64.
"""

import base64
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from headgate.errors import Malformed, SignatureMismatch
from headgate.records import Column
from headgate.serving.cells import as_whole, read_datetime
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.format import NO_HEADERS, Array, Body, Decode, Encode, Headers, Origin
from headgate.serving.problems import LISTED, Problem, count_problem, excerpt, expected_text, fits, mismatch, problem

_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,5})?", re.ASCII)
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,30})", re.ASCII)


class CsvFormat:
    """`text/csv`."""

    name = "csv"
    media_type = "text/csv"
    content_type = "text/csv; charset=utf-8; header=present"
    inline_bytes = 16 * 1024
    library = extra = ""
    imports: tuple[str, ...] = ()

    def decoder(self, contract: Contract) -> Decode:
        """Decode a table with a header."""
        if shaped := [column.name for column in contract.signature.inputs if column.shape]:
            return _refusal(shaped)

        def decode(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            return _decode(contract, body)

        return decode

    def encoder(self, origin: Origin) -> Encode:
        """Encode one line per row: id (when the caller gave ids), predictions, one probability per class."""

        def encode(outputs: Mapping[str, Array]) -> Body:
            columns = [pair for name, array in outputs.items() for pair in _columns_of(name, array, origin.classes)]
            names = [name for name, _ in columns]

            def body(_request_id: str, start: int, stop: int, ids: Sequence[str] | None) -> bytes:
                cells = [values[start:stop] for _, values in columns]
                return _table(names, cells) if ids is None else _table(["id", *names], [list(ids), *cells])

            return body

        return encode


def _table(names: list[str], columns: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


class Reader:
    """From a field to a column's value."""

    def __init__(self, column: Column, kind: Any, largest: float | None) -> None:
        kinds: dict[str, Callable[[str], Any]] = {
            "bool": _read_bool, "string": str, "bytes": _read_bytes, "float32": _read_float, "float64": _read_float,
            "datetime": read_datetime,
        }  # fmt: skip
        self.column = column
        self.expected = expected_text(column, largest)
        self._kind = kind
        self._parse = kinds.get(column.dtype, _read_whole)
        self._may_be_null = fits(kind, None)
        # only numbers have bounds that parsing does not check
        self._bounded = self._parse in (_read_float, _read_whole)

    def read(self, text: str) -> Any:
        """Raises ValueError for what the column does not take."""
        if text == "" and (self._may_be_null or self._parse is not str):
            return None if self._may_be_null else _refuse(text)
        value = self._parse(text)
        return value if not self._bounded or fits(self._kind, value) else _refuse(text)


def _refusal(columns: list[str]) -> Decode:
    def refuse(_body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
        raise SignatureMismatch(f"Columns {columns} hold arrays, which CSV cannot. Send application/json.")

    return refuse


def _columns_of(name: str, array: Array, classes: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    if array.ndim == 1:
        yield name, array.tolist()
        return
    flat = array.reshape(len(array), -1)
    labels = classes if len(classes) == flat.shape[1] else range(flat.shape[1])
    for place, label in enumerate(labels):
        yield f"{name}_{label}", flat[:, place].tolist()


def _decode(contract: Contract, body: bytes | bytearray) -> Rows:
    lines = _lines(body)
    header = next(lines, None)
    if header is None:
        raise Malformed("The CSV is empty. Send a header row with the names of the columns, then rows.")
    _check_header(contract, header)
    rows = list(itertools.islice(lines, contract.max_rows + 1))
    if (error := count_problem(contract, len(rows))) is not None:
        raise error
    cells = _typed(contract, header, rows)
    others = {column.name: list(cells[column.name]) for column in contract.others if column.name in cells}
    decoded = contract.rows(list(zip(*(cells[name] for name in contract.names), strict=True)))
    decoded.others = others or None
    return decoded


def _typed(contract: Contract, header: list[str], rows: list[list[str]]) -> dict[str, Sequence[Any]]:
    """The columns with their values; raises the first few problems."""
    readers = [
        Reader(column, contract.types[column.name], contract.largest_of(column))
        for column in (contract.columns[name] for name in header)
    ]
    found: list[Problem] = []
    typed = []
    for place, row in enumerate(rows):
        if len(row) != len(header):
            found.append(problem(place, None, f"{len(header)} fields", f"{len(row)} fields"))
        else:
            typed.append([_cell(reader, text, found, place) for reader, text in zip(readers, row, strict=True)])
        if len(found) >= LISTED:
            break
    if found:
        raise mismatch(found)
    return dict(zip(header, zip(*typed, strict=True), strict=True))


def _cell(reader: Reader, text: str, found: list[Problem], place: int) -> Any:
    try:
        return reader.read(text)
    except ValueError:
        found.append(problem(place, reader.column.name, reader.expected, excerpt(text) if text else "null"))
        return None


def _lines(body: bytes | bytearray) -> Iterator[list[str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"The CSV is not UTF-8: {error.reason} at byte {error.start}.") from None
    if "\x00" in text:
        raise Malformed("The CSV holds a NUL character.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        # an empty last line is no row
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise Malformed(f"The CSV cannot be read in line {reader.line_num}: {error}.") from None


def _check_header(contract: Contract, header: list[str]) -> None:
    if len(set(header)) < len(header):
        raise Malformed("The CSV's header names a column twice.")
    found: list[Problem] = [
        problem(None, name, "a column of the contract", "unknown column")
        for name in header
        if name not in contract.columns
    ]
    found += [
        problem(None, column.name, expected_text(column), "nothing")
        for column in contract.features
        if column.name not in header
    ]
    if found:
        raise mismatch(found)


def _read_bool(cell: str) -> bool:
    return _BOOLEANS[cell] if cell in _BOOLEANS else _refuse(cell)


def _read_float(cell: str) -> float:
    if not _NUMBER.fullmatch(cell):
        _refuse(cell)
    value = float(cell)
    return value if abs(value) != float("inf") else _refuse(cell)


def _read_whole(cell: str) -> int:
    if _WHOLE.fullmatch(cell):
        return int(cell)
    # 13.0, as data frames write a column that has had gaps
    value = as_whole(_read_float(cell))
    return value if isinstance(value, int) else _refuse(cell)


def _read_bytes(cell: str) -> bytes:
    return base64.b64decode(cell, validate=True)


def _refuse(cell: str) -> Any:
    raise ValueError(cell)
