"""The second look at a JSON body: what the typed decoder refused or cannot see. Not on the way of a plain request."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headgate.errors import Malformed, SignatureMismatch
from headgate.serving.cells import INTEGERS, as_whole, read_cell
from headgate.serving.contract import Contract
from headgate.serving.problems import ENVELOPE, excerpt, find_problem

# dtypes of whole numbers
WHOLE = frozenset((*INTEGERS, "uint64"))
# as many matches as an object has keys, and more where text holds an escaped quote before a colon
KEYS = re.compile(rb'"\s*:')
# what msgspec refuses in the name of a field; such a column goes by an alias, on the second look
_AWKWARD = re.compile(r'["\\\x00-\x1f]')


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


def with_whole_numbers(document: Any, contract: Contract) -> Any:
    """The document with `13.0` as 13 in columns of whole numbers: so data frames write a column that has had gaps."""
    ranks = {column.name: len(column.shape) for column in contract.signature.inputs if column.dtype in WHOLE}
    if not ranks or not isinstance(document, dict):
        return document
    places = {place: ranks[name] for place, name in enumerate(contract.names) if name in ranks}
    changed = dict(document)
    for form, wanted in (("rows", ranks), ("instances", places)):
        if isinstance(rows := changed.get(form), list):
            changed[form] = [_with_whole(row, wanted) for row in rows]
    if "columns" in changed:
        changed["columns"] = _with_whole(changed["columns"], {name: rank + 1 for name, rank in ranks.items()})
    return changed


def _with_whole(row: Any, ranks: Mapping[Any, int]) -> Any:
    """The object or array with the cells that are named or placed so; anything else as it is."""
    if isinstance(row, dict):
        return row | {name: as_whole(row[name], rank) for name, rank in ranks.items() if name in row}
    if isinstance(row, list):
        return [as_whole(cell, ranks[place]) if place in ranks else cell for place, cell in enumerate(row)]
    return row


def convert(document: Any, contract: Contract, envelope: Any) -> Any:
    """The document as such an envelope; raises what is wrong with it."""
    try:
        return _convert(document, contract, envelope)
    except (msgspec.ValidationError, RecursionError):
        document = with_whole_numbers(document, contract)
    try:
        return _convert(document, contract, envelope)
    except (msgspec.ValidationError, RecursionError) as error:
        raise find_problem(contract, document, str(error)) from None


def _convert(document: Any, contract: Contract, envelope: Any) -> Any:
    return msgspec.convert(with_aliases(document, contract), envelope, dec_hook=read_cell)


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
    if not body.strip():
        raise Malformed(
            'Expected a JSON object with rows, instances or columns, got an empty body. Send one like {"rows": [{…}]}.'
        )
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise too_deep() from None
    except UnicodeDecodeError as error:
        # its place is that within the text, not within the body
        raise _not_utf8(body) or Malformed(f"The body is not UTF-8: {error.reason}.") from None
    except msgspec.ValidationError as error:
        # numbers that no float or integer of ours holds
        if "Integer" in str(error):
            raise SignatureMismatch(f"{error}: no column holds a whole number of that size.") from None
        raise Malformed(f"{error}. Numbers must be finite; send null for a missing value.") from None
    except msgspec.DecodeError as error:
        raise Malformed(f"{error}. Send JSON in UTF-8; NaN and Infinity are not JSON, null is.") from None


def _not_utf8(body: bytes | bytearray) -> Malformed | None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return Malformed(f"The body is not UTF-8: {error.reason} at byte {error.start}.")
    return None


def check_ids(ids: Sequence[str], rows: int) -> None:
    """One id per row, no two the same; raises `SignatureMismatch`."""
    if len(ids) != rows:
        raise SignatureMismatch(f"Expected one id per row: {rows} rows, got {len(ids)} ids.")
    if len(set(ids)) != rows:
        raise SignatureMismatch("The ids of the rows must differ, got one twice.")


def refuse_duplicates(body: bytes | bytearray) -> None:
    """Raise `Malformed` when an object of the document has a key twice; `body` is JSON that a decoder has taken."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Malformed(f"The key {excerpt(key)} occurs twice in one object. Send it once.")
            seen.add(key)

    json.loads(body, object_pairs_hook=check, parse_int=_skip, parse_float=_skip)


def check_keys(body: bytes | bytearray, document: Any) -> None:
    """As above for a body whose document has been parsed: its keys are counted first, where colons are more than those.

    Raises `Malformed`.
    """
    if not has_more_colons(body, len(document) if isinstance(document, dict) else 0):
        return
    try:
        keys = _count_keys(document)
        if body.count(b":") > keys and len(KEYS.findall(body)) > keys:
            refuse_duplicates(body)
    except RecursionError:
        raise too_deep() from None


def _count_keys(value: Any) -> int:
    """The keys of all objects in a document."""
    cells, keys = (value.values(), len(value)) if isinstance(value, dict) else (value, 0)
    return keys + sum(_count_keys(cell) for cell in cells if isinstance(cell, (dict, list)))


def too_deep() -> Malformed:
    """Of a document with more levels than any that fits."""
    return Malformed("The JSON is nested too deeply. Send rows, instances or columns.")


def _skip(_text: str) -> None:
    return None


def has_more_colons(body: bytes | bytearray, keys: int) -> bool:
    """Are there more colons than so many? Looking for the next one is ten times as fast as counting."""
    if keys > 3:
        return body.count(b":") > keys
    place = -1
    for _ in range(keys + 1):
        place = body.find(b":", place + 1)
        if place < 0:
            return False
    return True
