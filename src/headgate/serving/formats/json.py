"""The native JSON: rows of named values, instances of positional ones, or columns; one typed decoder per contract.

The typed decoder is the fast path and the validation in one. What it refuses gets a second look without types, which
either finds the matrix under a name of the client's own or says what is wrong (`problems.py`).

Duplicate keys: every JSON decoder keeps the last one silently, which for a prediction means an answer to another
question. Each key costs one colon, so a body with no more colons than distinct keys has no duplicates; counting them
takes 0.3 µs. Where text holds colons too, those after a quote are counted; only a body that has more of them than keys
is parsed again to be sure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec import UNSET
from msgspec.structs import astuple

from headgate.serving.cells import read_cell
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.envelope import envelope_type
from headgate.serving.formats.format import NO_HEADERS, Array, Body, Decode, Encode, Headers, Origin
from headgate.serving.formats.second_look import (
    KEYS,
    check_ids,
    convert,
    has_more_colons,
    parse,
    refuse_duplicates,
    with_known_matrix,
)
from headgate.serving.formats.texts import Texts, key_of
from headgate.serving.problems import FORMS, find_problem


class JsonFormat:
    """`application/json`."""

    name = "json"
    media_type = "application/json"
    content_type = "application/json"
    inline_bytes = float("inf")
    library = extra = ""
    imports: tuple[str, ...] = ()

    def decoder(self, contract: Contract) -> Decode:
        """Decode a JSON document with rows, instances or columns."""
        return JsonDecoder(contract).decode

    def encoder(self, origin: Origin) -> Encode:
        """Encode `{"id", "endpoint", "model", "predictions", "probabilities"?, "ids"?}`."""
        place = orjson.dumps({"endpoint": origin.endpoint, "model": origin.version})
        middle = b'",' + place[1:-1]
        keys = {name: key_of(name) for name in ("predictions", "probabilities")}

        def encode(outputs: Mapping[str, Array]) -> Body:
            columns = [(keys.get(name) or key_of(name), Texts(array)) for name, array in outputs.items()]

            def body(request_id: str, start: int, stop: int, ids: Sequence[str] | None) -> bytes:
                parts = [b'{"id":"', request_id.encode(), middle]
                for key, texts in columns:
                    parts += (key, texts.part(start, stop))
                parts.append(b"}" if ids is None else b',"ids":%b}' % orjson.dumps(ids))
                return b"".join(parts)

            return body

        return encode


class JsonDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._width = len(contract.features)
        self._envelope = envelope_type(contract)
        self._decode = msgspec.json.Decoder(self._envelope, dec_hook=read_cell).decode

    def decode(self, body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
        """The rows of a body; raises `Malformed` (not JSON), `SignatureMismatch` or `TooLarge`."""
        try:
            envelope = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            envelope = self._look_again(body)
        rows, keys = self._rows(envelope)
        if has_more_colons(body, keys) and len(KEYS.findall(body)) > keys:
            refuse_duplicates(body)
        return rows

    def read(self, document: Any) -> Rows:
        """The rows of a document that has been parsed; raises `SignatureMismatch` or `TooLarge`."""
        return self._rows(self._typed(document))[0]

    def _rows(self, envelope: Any) -> tuple[Rows, int]:
        """The rows, and how many distinct keys the body has at least."""
        forms = (envelope.instances, envelope.rows, envelope.columns)
        if forms.count(UNSET) != 2:
            raise find_problem(self._contract, dict.fromkeys(FORMS[: 3 - forms.count(UNSET)]))
        if envelope.instances is not UNSET:
            rows, keys = self._contract.rows(envelope.instances), 1
        elif envelope.rows is not UNSET:
            rows, keys = self._from_rows(envelope.rows)
        else:
            rows, keys = self._from_columns(astuple(envelope.columns))
        if envelope.ids is not UNSET:
            check_ids(envelope.ids, rows.count)
            rows.ids = envelope.ids
            keys += 1
        return rows, keys

    def _from_rows(self, structs: Sequence[Any]) -> tuple[Rows, int]:
        values = [astuple(row) for row in structs]
        keys = 1 + len(values) * self._width
        if not self._contract.others:
            return self._contract.rows(values), keys
        others = {
            column.name: [row[place] for row in values]
            for place, column in enumerate(self._contract.others, self._width)
        }
        keys += sum(cell is not None for cells in others.values() for cell in cells)
        rows = self._contract.rows([row[: self._width] for row in values])
        rows.others = others
        return rows, keys

    def _from_columns(self, columns: Sequence[Any]) -> tuple[Rows, int]:
        named = zip((*self._contract.features, *self._contract.others), columns, strict=True)
        given = {column.name: cells for column, cells in named if cells is not None}
        if len({len(cells) for cells in given.values()}) != 1:
            raise find_problem(self._contract, {"columns": given})
        others = {name: cells for name, cells in given.items() if name not in self._contract.names}
        rows = self._contract.rows(list(zip(*columns[: self._width], strict=True)))
        rows.others = others or None
        return rows, 1 + len(given)

    def _look_again(self, body: bytes | bytearray) -> Any:
        """The envelope after all, when the matrix came under another name; raises what is wrong otherwise."""
        return self._typed(with_known_matrix(parse(body)))

    def _typed(self, document: Any) -> Any:
        return convert(document, self._contract, self._envelope)
