"""The native JSON: rows of named values, instances of positional ones, or columns; one typed decoder per contract.

The typed decoder is the fast path and the validation in one. What it refuses gets a second look without types, which
either finds the matrix under a name of the client's own or says what is wrong (`problems.py`).

Duplicate keys: every JSON decoder keeps the last one silently, which for a prediction means an answer to another
question. Each key costs one colon, so a body with no more colons than distinct keys has no duplicates; counting them
takes 0.3 µs. Where text holds colons too, those after a quote are counted; only a body that has more of them than keys
is parsed again to be sure.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from headgate.errors import Malformed, SignatureMismatch
from headgate.serving.contract import Contract, Rows, list_of, read_cell
from headgate.serving.dialects.dialect import Array, Decode, Encode, Origin
from headgate.serving.problems import ENVELOPE, excerpt, find_problem

_TUPLE: Any = tuple  # for types made at run time
RowId = Annotated[str, Meta(min_length=1, max_length=128)]
# what msgspec refuses in the name of a field; such a column goes by an alias, on the second look
_KEYS = re.compile(rb'"\s*:')
_AWKWARD = re.compile(r'["\\\x00-\x1f]')


class NativeDialect:
    """`application/json`."""

    name = "native"
    media_type = "application/json"
    content_type = "application/json"

    def decoder(self, contract: Contract) -> Decode:
        """Decode a JSON document with rows, instances or columns."""
        return NativeDecoder(contract).decode

    def encoder(self, origin: Origin) -> Encode:
        """Encode `{"id", "endpoint", "model", "predictions", "probabilities"?, "ids"?}`."""
        place = {"endpoint": origin.endpoint, "model": origin.version}
        middle = b'",' + orjson.dumps(place)[1:-1]
        keys: dict[str, bytes] = {}

        def encode(request_id: str, outputs: Mapping[str, Array], ids: Sequence[str] | None) -> bytes:
            parts = [b'{"id":"', request_id.encode(), middle]
            for name, array in outputs.items():
                parts += (keys.get(name) or keys.setdefault(name, b"," + orjson.dumps(name) + b":"), _dump(array))
            if ids is not None:
                parts += (b',"ids":', orjson.dumps(ids))
            parts.append(b"}")
            return b"".join(parts)

        return encode


def _dump(array: Array) -> bytes:
    try:
        return orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:
        # text, or an array that is not laid out as C does
        return orjson.dumps(array.tolist())


class NativeDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._width = len(contract.features)
        self._envelope = envelope_type(contract)
        self._decode = msgspec.json.Decoder(self._envelope, dec_hook=read_cell).decode

    def decode(self, body: bytes | bytearray) -> Rows:
        """The rows of a body; raises `Malformed` (not JSON), `SignatureMismatch` or `TooLarge`."""
        try:
            envelope = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            envelope = self._look_again(body)
        rows, keys = self._rows(envelope)
        if body.count(b":") > keys and len(_KEYS.findall(body)) > keys:
            refuse_duplicates(body)
        return rows

    def _rows(self, envelope: Any) -> tuple[Rows, int]:
        """The rows, and how many distinct keys the body has at least."""
        ids = None if envelope.ids is UNSET else envelope.ids
        keys = 1 if ids is None else 2
        others = None
        if envelope.instances is not UNSET:
            values = envelope.instances
        elif envelope.rows is not UNSET:
            values = [astuple(row) for row in envelope.rows]
            keys += len(values) * self._width
            if self._contract.others:
                values, others = self._split(values)
                keys += sum(cell is not None for cells in others.values() for cell in cells)
        elif envelope.columns is not UNSET:
            values, others = self._from_columns(astuple(envelope.columns))
            keys += self._width + len(others or ())
        else:
            raise find_problem(self._contract, {})
        if ids is not None:
            check_ids(ids, len(values))
        return Rows(values, ids, others), keys

    def _split(self, rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], dict[str, list[Any]]]:
        width = self._width
        others = {
            column.name: [row[place] for row in rows] for place, column in enumerate(self._contract.others, width)
        }
        return [row[:width] for row in rows], others

    def _from_columns(self, columns: Sequence[Any]) -> tuple[list[Any], dict[str, list[Any]] | None]:
        features, others = columns[: self._width], columns[self._width :]
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) != 1:
            names = [column.name for column in (*self._contract.features, *self._contract.others)]
            given = {name: cells for name, cells in zip(names, columns, strict=True) if cells is not None}
            raise find_problem(self._contract, {"columns": given})
        named = zip(self._contract.others, others, strict=True)
        kept = {column.name: cells for column, cells in named if cells is not None}
        return list(zip(*features, strict=True)), kept or None

    def _look_again(self, body: bytes | bytearray) -> Any:
        """The envelope after all, when the matrix came under another name; raises what is wrong otherwise."""
        document = with_known_matrix(parse(body))
        try:
            return msgspec.convert(with_aliases(document, self._contract), self._envelope, dec_hook=read_cell)
        except (msgspec.ValidationError, RecursionError) as error:
            raise find_problem(self._contract, document, str(error)) from None


def envelope_type(contract: Contract) -> type[msgspec.Struct]:
    """The struct of a whole document, with every value typed."""
    most = contract.max_rows
    row_fields: list[Any] = []
    column_fields: list[Any] = []
    rename = {}
    for place, column in enumerate((*contract.features, *contract.others)):
        field, kind = f"c{place}", contract.types[column.name]
        rename[field] = alias(column.name)
        # columns that the model never sees may be left out
        missing = () if place < len(contract.features) else (None,)
        cells = list_of(kind, 1, most)
        row_fields.append((field, kind, *missing))
        column_fields.append((field, cells if not missing else cells | None, *missing))
    row = msgspec.defstruct("Row", row_fields, rename=rename, forbid_unknown_fields=True, gc=False)
    columns: Any = msgspec.defstruct("Columns", column_fields, rename=rename, forbid_unknown_fields=True)
    fields: list[Any] = [
        ("rows", list_of(row, 1, most) | UnsetType, UNSET),
        ("instances", list_of(instance_type(contract), 1, most) | UnsetType, UNSET),
        ("columns", columns | UnsetType, UNSET),
        ("ids", list[RowId] | UnsetType, UNSET),
    ]
    return msgspec.defstruct("Envelope", fields, forbid_unknown_fields=True)


def instance_type(contract: Contract) -> Any:
    """The type of one positional row: a list where all cells are alike, else a tuple."""
    kinds = [contract.types[name] for name in contract.names]
    if all(kind == kinds[0] for kind in kinds):
        return list_of(kinds[0], len(kinds), len(kinds))
    return _TUPLE[tuple(kinds)]


def alias(name: str) -> str:
    """The name under which msgspec knows a column."""
    return _AWKWARD.sub(lambda match: f"\N{REPLACEMENT CHARACTER}{ord(match[0]):02x}", name)


def with_aliases(document: Any, contract: Contract) -> Any:
    """The document with awkward names of columns replaced by what msgspec knows them by."""
    aliases = {name: alias(name) for name in contract.columns if _AWKWARD.search(name)}
    if not aliases or not isinstance(document, dict):
        return document

    def swap(row: Any) -> Any:
        return {aliases.get(name, name): value for name, value in row.items()} if isinstance(row, dict) else row

    changed = dict(document)
    if isinstance(rows := changed.get("rows"), list):
        changed["rows"] = [swap(row) for row in rows]
    if "columns" in changed:
        changed["columns"] = swap(changed["columns"])
    return changed


def with_known_matrix(document: Any) -> Any:
    """Any single list of lists, whatever its name, is the instances."""
    if isinstance(document, dict) and not ENVELOPE & document.keys() - {"ids"}:
        unknown = [name for name in document if name != "ids"]
        if len(unknown) == 1 and is_matrix(document[unknown[0]]):
            return {"instances" if name == unknown[0] else name: value for name, value in document.items()}
    return document


def is_matrix(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def parse(body: bytes | bytearray) -> Any:
    """The document without types; raises `Malformed` with the place, or `SignatureMismatch` for a number too long."""
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise Malformed("The JSON is nested too deeply. Send rows, instances or columns.") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from None
    except msgspec.ValidationError as error:
        # numbers that no float or integer of ours holds
        if "Integer" in str(error):
            raise SignatureMismatch(f"{error}: no column holds a whole number of that size.") from None
        raise Malformed(f"{error}. Numbers must be finite; send null for a missing value.") from None
    except msgspec.DecodeError as error:
        raise Malformed(f"{error}. Send JSON in UTF-8; NaN and Infinity are not JSON, null is.") from None


def check_ids(ids: Sequence[str], rows: int) -> None:
    """One id per row, no two the same; raises `SignatureMismatch`."""
    if len(ids) != rows:
        raise SignatureMismatch(f"Expected one id per row: {rows} rows, got {len(ids)} ids.")
    if len(set(ids)) != rows:
        raise SignatureMismatch("The ids of the rows must differ, got one twice.")


def refuse_duplicates(body: bytes | bytearray) -> None:
    """Raise `Malformed` when an object of the document has a key twice; `body` is valid JSON."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Malformed(f"The key {excerpt(key)} occurs twice in one object. Send it once.")
            seen.add(key)

    json.loads(body, object_pairs_hook=check, parse_int=_skip, parse_float=_skip)


def _skip(_text: str) -> None:
    return None
