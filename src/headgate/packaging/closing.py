"""Which categories are closed: the model itself fails on a level that it was not trained on.

A compiled form would answer something all the same, so neither form may be asked: an endpoint refuses such a row.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from headgate.errors import ModelError
from headgate.packaging.native import Native
from headgate.packaging.table import Table
from headgate.records import Category, Column


def close_categories(native: Native, inputs: Sequence[Column], rows: Table) -> tuple[Column, ...]:
    """The columns, those marked on which the model was seen to fail for a level that it does not know."""
    first = rows.take([0])
    if not _answers(native, first):
        return tuple(inputs)
    return tuple(_closed(column, native, first) for column in inputs)


def _closed(column: Column, native: Native, row: Table) -> Column:
    levels = column.categories
    if not levels or column.dtype != "string" or column.shape or "feature" not in column.roles:
        return column
    strange = np.array([_stranger(levels)], dtype=object)
    asked = Table({**row.columns, column.name: strange}, row.named, row.levels)
    return column if _answers(native, asked) else msgspec.structs.replace(column, closed=True)


def _answers(native: Native, row: Table) -> bool:
    try:
        native.predict(row)
    except ModelError:
        return False
    return True


def _stranger(levels: Sequence[Category]) -> str:
    """A text that is none of the levels."""

    def candidates() -> Iterator[str]:
        name = "unseen"
        while True:
            yield name
            name += "-"

    return next(name for name in candidates() if name not in levels)
