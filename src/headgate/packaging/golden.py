"""Golden requests: a few rows with the original's answers, asked again before a version takes traffic."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from headgate.bundle.golden import Golden, GoldenInputs, GoldenOutputs
from headgate.errors import ModelError, SignatureMismatch
from headgate.packaging.native import Native
from headgate.packaging.parity import TOLERANCE
from headgate.packaging.synthesis import stand_ins
from headgate.packaging.table import Table
from headgate.packaging.values import to_json
from headgate.records import Column
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

ROWS = 8
UNSEEN = "a-level-that-was-not-there"
Columns = dict[str, list[Any]]


def make_golden(native: Native, table: Table) -> Golden:
    """Up to eight rows spread over the table, one with every null that is allowed, one with unseen categories.

    The last two only where the model accepts them; sensitive columns hold made-up values. Rows that the model does not
    answer with finite values are left out.
    """
    features = native.signature.features
    rows = _spread(table, features, ROWS - 2)
    special = [_with_nulls(rows, features), _with_unseen(rows, features)]
    for extra in special:
        if extra is not None:
            rows = {name: values + extra[name] for name, values in rows.items()}
    kept = _accepted(native, rows)
    if kept is None:
        return Golden(inputs=GoldenInputs(columns={name: [] for name in rows}), outputs=GoldenOutputs(predictions=[]))
    outputs = native.predict(kept)
    probabilities = to_json(outputs[PROBABILITIES]) if PROBABILITIES in outputs else None
    return Golden(
        inputs=GoldenInputs(columns=kept),
        outputs=GoldenOutputs(predictions=_short(to_json(outputs[PREDICTIONS])), probabilities=_short(probabilities)),
        tolerance=TOLERANCE,
    )


def _spread(table: Table, features: Sequence[Column], rows: int) -> Columns:
    places = np.unique(np.linspace(0, table.rows - 1, rows).astype(np.int64))
    chosen = table.take(places)
    return {
        column.name: stand_ins(column, len(places))
        if "sensitive" in column.roles
        else to_json(chosen.columns[column.name])
        for column in features
    }


def _with_nulls(rows: Columns, features: Sequence[Column]) -> Columns | None:
    """The first row with nothing in every column that may hold nothing."""
    if not any(column.nullable for column in features):
        return None
    return {column.name: [None] if column.nullable else rows[column.name][:1] for column in features}


def _with_unseen(rows: Columns, features: Sequence[Column]) -> Columns | None:
    """The first row with a level that was not there in every column of text levels."""
    unseen = {column.name for column in features if column.categories and column.dtype == "string"}
    if not unseen:
        return None
    return {name: [UNSEEN] if name in unseen else values[:1] for name, values in rows.items()}


def _accepted(native: Native, rows: Columns) -> Columns | None:
    """The rows that the model answers, each asked alone; None where it answers none."""
    count = len(next(iter(rows.values())))
    good = [row for row in range(count) if _answers(native, {name: [values[row]] for name, values in rows.items()})]
    return {name: [values[row] for row in good] for name, values in rows.items()} if good else None


def _answers(native: Native, row: Columns) -> bool:
    try:
        outputs = native.predict(row)
    except (ModelError, SignatureMismatch):
        return False
    return all(np.isfinite(array).all() for array in outputs.values() if array.dtype.kind == "f")


def _short(answers: Any) -> Any:
    """Twelve digits: those beyond differ from processor to processor, and no tolerance asks for them."""
    if isinstance(answers, list):
        return [_short(answer) for answer in answers]
    return float(f"{answers:.12g}") if isinstance(answers, float) else answers
