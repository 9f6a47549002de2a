"""The rows on which two forms of a model are compared."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from headgate.bundle.golden import Golden
from headgate.errors import ModelError
from headgate.packaging.native import Native
from headgate.packaging.splits import find_splits, known_thresholds, rows_at_splits
from headgate.packaging.synthesis import synthesise
from headgate.packaging.table import Table, stack
from headgate.records import Column
from headgate.runtimes.boundary import foreign
from headgate.runtimes.columns import column_array
from headgate.runtimes.frames import frame_maker, matrix_of

MOST = 5_000  # rows of the data
MADE_UP = 500
TEXTS = 20  # rows whose text is changed
ODD: tuple[Callable[[str], str], ...] = (
    str.upper,
    lambda text: re.sub(r"(\w+)", "\\1\u00e9", text),
    lambda text: f"\u0130{text}",
    lambda text: text.replace(" ", "\u00a0\n"),
    lambda text: text.replace(" ", "-"),
    lambda text: f"Ünïcode 東京 {text} ß",
    lambda text: text.replace(" ", "_1'"),
)


def made_up_rows(model: Any, columns: Sequence[Column]) -> Table:
    """Rows for a model that came without data."""
    features = [column for column in columns if "feature" in column.roles]
    return synthesise(features, MADE_UP, known_thresholds(model, [column.name for column in features]))


def comparison_rows(native: Native, model: Any, data: Table, holdout: Table | None, golden: Golden) -> Table:
    """Holdout and data, evenly thinned, rows at the split points of trees, with odd texts, and the golden requests.

    Raises `ModelError` when the model's own transformers fail on values from the data.
    """
    features = native.signature.features
    names = [column.name for column in features]
    parts = [_thin(table) for table in (holdout, data) if table is not None]
    added = (_at_splits(native, model, parts[-1], names), _with_odd_texts(native, parts[-1], names))
    parts += [rows for rows in added if rows is not None]
    if golden.rows:
        asked = golden.inputs.columns
        parts.append(Table({column.name: column_array(column, asked[column.name]) for column in features}))
    return stack(parts, names)


def _at_splits(native: Native, model: Any, base: Table, names: Sequence[str]) -> Table | None:
    named = getattr(model, "feature_names_in_", None) is not None
    make = frame_maker(native.signature.features) if named else matrix_of
    base = Table({name: base.columns[name] for name in names})
    with foreign("The model's transformers failed at split points"):
        return rows_at_splits(find_splits(model), base, names, lambda rows: make(native.batch(rows)))


def _with_odd_texts(native: Native, base: Table, names: Sequence[str]) -> Table | None:
    """Rows whose free text is as people write it elsewhere: converters split words by other rules than scikit-learn."""
    free = [
        column.name
        for column in native.signature.features
        if column.dtype == "string" and not column.categories and not column.shape
    ]
    if not free:
        return None
    rows = Table({name: base.columns[name] for name in names}).take(
        np.repeat(np.arange(min(base.rows, TEXTS)), len(ODD))
    )
    for name in free:
        told = rows.columns[name]
        told[:] = [None if text is None else ODD[row % len(ODD)](text) for row, text in enumerate(told.tolist())]
    try:
        native.predict(rows)
    except ModelError:
        # it takes no text that training did not see
        return None
    return rows


def _thin(table: Table) -> Table:
    return table.take(np.unique(np.linspace(0, table.rows - 1, min(table.rows, MOST)).astype(np.int64)))
