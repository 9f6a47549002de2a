"""What is wrong with a document that the typed decoder refused: up to five problems, each at a row and a column."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import orjson

from headgate.errors import HeadgateError, Malformed, SignatureMismatch, TooLarge
from headgate.records import Column
from headgate.serving.cells import INTEGERS, bounds_of, list_of, read_cell
from headgate.serving.contract import Contract

FORMS = ("rows", "instances", "columns")
ENVELOPE = frozenset((*FORMS, "ids"))
LISTED = 5
ECHOED = 64
# a request with one bad row of many thousands must not cost a second look at all of them
ROWS_SCANNED = 256
_ROW = re.compile(r"\$\.(?:rows|instances)\[(\d+)\]")

Problem = dict[str, Any]
Check = Callable[[Contract, Any, int], Iterator[Problem]]


def find_problem(contract: Contract, document: Any, hint: str = "") -> HeadgateError:
    """The error to answer with: Malformed, SignatureMismatch with detail, or TooLarge.

    `hint` is msgspec's message: it names the first bad row, so that not every row before it is looked at again.
    """
    if not isinstance(document, dict):
        return Malformed(f"Expected an object with rows, instances or columns, got {kind_of(document)}.")
    if unknown := [name for name in document if name not in ENVELOPE]:
        return mismatch(
            problem(None, name, "one of rows, instances, columns, ids", "unknown field") for name in unknown
        )
    forms = [name for name in FORMS if name in document]
    if len(forms) != 1:
        return SignatureMismatch(f"Expected exactly one of rows, instances and columns, got {len(forms)} of them.")
    if (error := _misshapen(contract, forms[0], document[forms[0]])) is not None:
        return error
    checks: dict[str, Check] = {"rows": _in_rows, "instances": _in_instances, "columns": _in_columns}
    found = checks[forms[0]](contract, document[forms[0]], _first_row(hint))
    return mismatch(itertools.chain(found, _in_ids(document)))


def _first_row(hint: str) -> int:
    match = _ROW.search(hint)
    return int(match[1]) if match else 0


def _misshapen(contract: Contract, form: str, content: Any) -> HeadgateError | None:
    wanted = dict if form == "columns" else list
    if not isinstance(content, wanted):
        return mismatch([problem(None, form, "object" if wanted is dict else "array", kind_of(content))])
    if isinstance(content, dict):
        return count_problem(
            contract, max((len(cells) for cells in content.values() if isinstance(cells, list)), default=1)
        )
    return count_problem(contract, len(content))


def _lengths(columns: dict[str, Any]) -> list[int]:
    return [len(cells) for cells in columns.values() if isinstance(cells, list)]


def count_problem(contract: Contract, rows: int) -> HeadgateError | None:
    """No row at all, or more than are allowed."""
    if rows > contract.max_rows:
        return TooLarge(f"Got {rows} rows, {contract.max_rows} are allowed in one request. Split it.")
    if rows == 0:
        return SignatureMismatch("Got 0 rows, expected at least one.")
    return None


def mismatch(problems: Any) -> SignatureMismatch:
    """One error that lists the first few problems and describes the first in its sentence."""
    detail = list(itertools.islice(problems, LISTED))
    if not detail:
        return SignatureMismatch("The rows do not fit the endpoint's contract; see its openapi.json.")
    first = detail[0]
    place = [f"row {first['row']}"] if first["row"] is not None else []
    place += [f"column {first['column']!r}"] if first["column"] is not None else []
    where = ", ".join(place) or "the body"
    return SignatureMismatch(f"In {where}: expected {first['expected']}, got {first['got']}.", detail=detail)


def problem(row: int | None, column: str | None, expected: str, got: str) -> Problem:
    """One entry of an error's detail; the client's own text is cut."""
    return {"row": row, "column": None if column is None else column[:ECHOED], "expected": expected, "got": got}


def _in_rows(contract: Contract, rows: list[Any], first: int) -> Iterator[Problem]:
    for place, row in enumerate(rows[first : first + ROWS_SCANNED], first):
        if isinstance(row, dict):
            yield from _in_row(contract, place, row)
        else:
            yield problem(place, None, "object", kind_of(row))


def _in_row(contract: Contract, place: int, row: dict[str, Any]) -> Iterator[Problem]:
    for name in row:
        if name not in contract.columns:
            yield problem(place, name, "a column of the contract", "unknown column")
    for name, column in contract.columns.items():
        if name in row:
            if not fits(contract.types[name], row[name]):
                yield problem(place, name, expected_text(column, contract.largest_of(column)), excerpt(row[name]))
        elif column in contract.features:
            yield problem(place, name, expected_text(column), "nothing")


def _in_instances(contract: Contract, rows: list[Any], first: int) -> Iterator[Problem]:
    width = len(contract.features)
    for place, row in enumerate(rows[first : first + ROWS_SCANNED], first):
        if isinstance(row, dict):
            yield problem(place, None, f"array of {width} values (objects are sent as rows)", "object")
        elif not isinstance(row, list):
            yield problem(place, None, f"array of {width} values", kind_of(row))
        elif len(row) != width:
            yield problem(place, None, f"{width} values", f"{len(row)} values")
        else:
            for column, value in zip(contract.features, row, strict=True):
                if not fits(contract.types[column.name], value):
                    expected = expected_text(column, contract.largest)
                    yield problem(place, column.name, expected, excerpt(value))


def _in_columns(contract: Contract, columns: dict[str, Any], _first: int) -> Iterator[Problem]:
    for name in columns:
        if name not in contract.columns:
            yield problem(None, name, "a column of the contract", "unknown column")
    rows = max(_lengths(columns), default=0)
    for name, column in contract.columns.items():
        cells = columns.get(name)
        if cells is not None or column in contract.features:
            yield from _in_column(contract, column, cells, rows)


def _in_column(contract: Contract, column: Column, cells: Any, rows: int) -> Iterator[Problem]:
    kind = contract.types[column.name]
    if not isinstance(cells, list):
        yield problem(None, column.name, f"array of {column.dtype}", "nothing" if cells is None else kind_of(cells))
        return
    if len(cells) != rows:
        yield problem(len(cells), column.name, f"{rows} values, as in the longest column", f"{len(cells)} values")
    if fits(list_of(kind), cells):
        return
    for place, value in enumerate(cells):
        if not fits(kind, value):
            yield problem(place, column.name, expected_text(column, contract.largest_of(column)), excerpt(value))


def _in_ids(document: dict[str, Any]) -> Iterator[Problem]:
    ids = document.get("ids", [])
    if not isinstance(ids, list):
        yield problem(None, "ids", "array of text", kind_of(ids))
        return
    for place, value in enumerate(ids):
        if not isinstance(value, str) or not 1 <= len(value) <= 128:
            yield problem(place, "ids", "text of 1 to 128 characters", excerpt(value))


def expected_text(column: Column, largest: float | None = None) -> str:
    """What a cell of this column must be, for people; `largest` bounds its numbers."""
    text: str = column.dtype
    bounds = bounds_of(column.dtype, largest)
    if column.dtype in INTEGERS and bounds:
        text = f"{text} ({bounds[0]} to {bounds[1]})"
    elif bounds and largest is not None:
        text = f"{text} ({bounds[0]:g} to {bounds[1]:g}, beyond which the model has no answer)"
    elif column.dtype == "datetime":
        text = "datetime (ISO 8601 text)"
    elif column.dtype == "bytes":
        text = "bytes (base64 text)"
    if column.shape:
        text = f"{text} of shape {list(column.shape)}"
    return f"{text} or null" if column.nullable else text


def fits(kind: Any, value: Any) -> bool:
    """Does this decoded JSON value have one of our cell types?"""
    try:
        msgspec.convert(value, kind, dec_hook=read_cell)
    except (msgspec.ValidationError, RecursionError):
        return False
    return True


def kind_of(value: Any) -> str:
    """JSON's word for what a value is."""
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return kinds.get(type(value), "null")


def excerpt(value: Any) -> str:
    """The value as JSON, cut: it is the client's own text."""
    if isinstance(value, dict | list):
        return kind_of(value)
    if isinstance(value, str):
        value = value[: ECHOED + 1]
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = str(value)
    return text if len(text) <= ECHOED else text[: ECHOED - 1] + "…"
