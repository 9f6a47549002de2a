"""Newline-delimited JSON: one row per line, as an object of named values or an array of positional ones.

The row's own id goes under `id`, unless the contract has a column of that name. Empty lines are no rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from headgate.errors import Malformed, SignatureMismatch, TooLarge
from headgate.serving.cells import read_cell
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.envelope import RowId, instance_type, row_type
from headgate.serving.formats.format import NO_HEADERS, Array, Body, Decode, Encode, Headers, Origin
from headgate.serving.formats.second_look import (
    KEYS,
    check_ids,
    has_more_colons,
    parse,
    refuse_duplicates,
    with_aliases,
    with_whole_numbers,
)
from headgate.serving.formats.texts import Texts
from headgate.serving.problems import count_problem, excerpt, find_problem, fits, mismatch, problem

ID = "id"


class NdjsonFormat:
    """`application/x-ndjson`."""

    name = "ndjson"
    media_type = "application/x-ndjson"
    content_type = "application/x-ndjson"
    inline_bytes = 32 * 1024
    library = extra = ""
    imports: tuple[str, ...] = ()

    def decoder(self, contract: Contract) -> Decode:
        """Decode one row per line."""
        return NdjsonDecoder(contract).decode

    def encoder(self, origin: Origin) -> Encode:
        """Encode `{"id"?, "predictions", "probabilities"?}` per row; the id is the caller's own."""

        def encode(outputs: Mapping[str, Array]) -> Body:
            columns = [(orjson.dumps(name), Texts(array)) for name, array in outputs.items()]

            def line(row: int) -> bytes:
                return b",".join(b"%b:%b" % (key, texts.part(row, row + 1)[1:-1]) for key, texts in columns)

            def body(_request_id: str, start: int, stop: int, ids: Sequence[str] | None) -> bytes:
                lines = [line(row) for row in range(start, stop)]
                if ids is not None:
                    lines = [b'"id":%b,%b' % (orjson.dumps(name), text) for name, text in zip(ids, lines, strict=True)]
                return b"".join(b"{%b}\n" % text for text in lines)

            return body

        return encode


class NdjsonDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._width = len(contract.features)
        self._has_ids = ID not in contract.columns
        more = [(ID, RowId | UnsetType, UNSET)] if self._has_ids else []
        self._kind: Any = row_type(contract, *more) | instance_type(contract)
        self._decode = msgspec.json.Decoder(self._kind, dec_hook=read_cell).decode_lines

    def decode(self, body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
        """The rows of a body; raises `Malformed`, `SignatureMismatch` or `TooLarge`."""
        # one line of each may be empty
        if body.count(b"\n") > 2 * self._contract.max_rows + 1:
            raise TooLarge(f"Got more lines than for {self._contract.max_rows} rows. Split the request.")
        try:
            found = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = list(self._look_again(body))
        if (error := count_problem(self._contract, len(found))) is not None:
            raise error
        # msgspec parts documents at any white space
        if len(found) != sum(1 for _ in _lines(body)):
            raise Malformed("Expected one row per line, each in one line.")
        return self._rows(body, found)

    def _rows(self, body: bytes | bytearray, found: list[Any]) -> Rows:
        values = [astuple(row) if isinstance(row, msgspec.Struct) else tuple(row) for row in found]
        rows = self._contract.rows([row[: self._width] for row in values])
        rows.others = self._others(values)
        rows.ids = self._ids(values)
        keys = self._keys(found, rows)
        if has_more_colons(body, keys) and len(KEYS.findall(body)) > keys:
            _refuse_duplicates(body)
        return rows

    def _keys(self, found: list[Any], rows: Rows) -> int:
        """How many distinct keys the body has at least."""
        told = sum(cell is not None for cells in (rows.others or {}).values() for cell in cells)
        return self._width * sum(isinstance(row, msgspec.Struct) for row in found) + told + len(rows.ids or ())

    def _others(self, values: list[tuple[Any, ...]]) -> dict[str, list[Any]] | None:
        # a row by position has features alone
        others = {
            column.name: [row[place] if place < len(row) else None for row in values]
            for place, column in enumerate(self._contract.others, self._width)
        }
        return others or None

    def _ids(self, values: list[tuple[Any, ...]]) -> list[str] | None:
        last = self._width + len(self._contract.others)
        ids = [row[last] for row in values if len(row) > last and row[last] is not UNSET]
        if ids:
            check_ids(ids, len(values))
        return ids or None

    def _look_again(self, body: bytes | bytearray) -> Iterator[Any]:
        """The rows after all, where a column's name is awkward; raises what is wrong otherwise."""
        for place, (number, line) in enumerate(_lines(body)):
            try:
                document = parse(line)
            except Malformed as error:
                raise Malformed(f"In line {number}: {error.message}") from None
            except SignatureMismatch as error:
                raise SignatureMismatch(f"In line {number}: {error.message}") from None
            form = "instances" if isinstance(document, list) else "rows"
            document = with_whole_numbers({form: [document]}, self._contract)[form][0]
            try:
                row = with_aliases({"rows": [document]}, self._contract)["rows"][0]
                yield msgspec.convert(row, self._kind, dec_hook=read_cell)
            except (msgspec.ValidationError, RecursionError):
                raise self._problem(place, document) from None

    def _problem(self, place: int, document: Any) -> Exception:
        if place >= self._contract.max_rows:
            return count_problem(self._contract, place + 1) or TooLarge()
        if isinstance(document, dict) and self._has_ids and ID in document:
            if not fits(RowId, document[ID]):
                return mismatch([problem(place, ID, "text of 1 to 128 characters", excerpt(document[ID]))])
            document = {name: value for name, value in document.items() if name != ID}
        form = "instances" if isinstance(document, list) else "rows"
        before = [None] * place
        return find_problem(self._contract, {form: [*before, document]}, f"$.{form}[{place}]")


def _lines(body: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, each with its number."""
    for number, line in enumerate(bytes(body).split(b"\n"), 1):
        if line.strip():
            yield number, line


def _refuse_duplicates(body: bytes | bytearray) -> None:
    for number, line in _lines(body):
        try:
            refuse_duplicates(line)
        except ValueError:
            raise Malformed(f"Line {number} does not hold one whole row.") from None
