"""The types of a native JSON document, made once per contract: msgspec decodes and validates by them in one go."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from headgate.serving.cells import list_of
from headgate.serving.contract import Contract
from headgate.serving.formats.second_look import alias

_TUPLE: Any = tuple  # for types made at run time
RowId = Annotated[str, Meta(min_length=1, max_length=128)]


def envelope_type(contract: Contract) -> type[msgspec.Struct]:
    """The struct of a whole document, with every value typed."""
    most = contract.max_rows
    column_fields: list[Any] = []
    for place, column in enumerate((*contract.features, *contract.others)):
        cells = list_of(contract.types[column.name], 1, most)
        column_fields.append(
            (f"c{place}", cells) if place < len(contract.features) else (f"c{place}", cells | None, None)
        )
    columns: Any = msgspec.defstruct("Columns", column_fields, rename=aliases_of(contract), forbid_unknown_fields=True)
    fields: list[Any] = [
        ("rows", list_of(row_type(contract), 1, most) | UnsetType, UNSET),
        ("instances", list_of(instance_type(contract), 1, most) | UnsetType, UNSET),
        ("columns", columns | UnsetType, UNSET),
        ("ids", list[RowId] | UnsetType, UNSET),
    ]
    return msgspec.defstruct("Envelope", fields, forbid_unknown_fields=True)


def row_type(contract: Contract, *more: Any) -> type[msgspec.Struct]:
    """The struct of one row of named values; `more` are further fields, which go by their own names."""
    fields: list[Any] = []
    for place, column in enumerate((*contract.features, *contract.others)):
        # columns that the model never sees may be left out
        missing = () if place < len(contract.features) else (None,)
        fields.append((f"c{place}", contract.types[column.name], *missing))
    return msgspec.defstruct("Row", [*fields, *more], rename=aliases_of(contract), forbid_unknown_fields=True, gc=False)


def aliases_of(contract: Contract) -> dict[str, str]:
    """Field → the name under which msgspec knows its column."""
    columns = enumerate((*contract.features, *contract.others))
    return {f"c{place}": alias(column.name) for place, column in columns}


def instance_type(contract: Contract) -> Any:
    """The type of one positional row: a list where all cells are alike, else a tuple."""
    kinds = [contract.types[name] for name in contract.names]
    if all(kind == kinds[0] for kind in kinds):
        return list_of(kinds[0], len(kinds), len(kinds))
    return _TUPLE[tuple(kinds)]
