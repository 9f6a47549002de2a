"""The types of a native JSON document, made once per contract: msgspec decodes and validates by them in one go."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from headgate.serving.cells import list_of
from headgate.serving.contract import Contract
from headgate.serving.dialects.second_look import alias

_TUPLE: Any = tuple  # for types made at run time
RowId = Annotated[str, Meta(min_length=1, max_length=128)]


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
