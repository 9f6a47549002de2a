"""Columns as the matrix of numbers that boosted trees take: a level as its place among those of the training."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from headgate.errors import ModelError
from headgate.records import Column
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.frames import matrix_of

Levels = Sequence[tuple[Any, ...] | None]  # by column; None for a column of numbers
ToMatrix = Callable[[Batch], Array]


def matrix_coder(features: Sequence[Column], levels: Levels, *, closed: bool) -> ToMatrix:
    """From a batch to [rows, features]; what is no level becomes NaN or, where levels are `closed`, a `ModelError`.

    Raises `ModelError` for features that do not fit the model.
    """
    _check_fit(features, levels)
    if all(known is None for known in levels):
        return matrix_of
    codes = [None if known is None else {level: float(code) for code, level in enumerate(known)} for known in levels]

    def code(batch: Batch) -> Array:
        matrix = np.empty((batch.rows, len(codes)))
        for place, (name, column) in enumerate(batch.columns.items()):
            known = codes[place]
            matrix[:, place] = column if known is None else _code(name, column, known, closed)
        return matrix

    return code


def _check_fit(features: Sequence[Column], levels: Levels) -> None:
    if len(levels) != len(features):
        raise ModelError(f"The model takes {len(levels)} features, the signature has {len(features)}.")
    require_numbers(column for column, known in zip(features, levels, strict=True) if known is None)


def require_numbers(columns: Iterable[Column]) -> None:
    """Raises `ModelError` naming a column that is no number."""
    for column in columns:
        if column.dtype in ("string", "bytes", "datetime") or column.shape:
            raise ModelError(f"The model takes {column.name!r} as a number, the signature says {column.dtype}.")


def _code(name: str, column: Array, known: Mapping[Any, float], closed: bool) -> list[float]:
    values = column.tolist()
    coded = [known.get(value, np.nan) for value in values]
    if closed:
        for row, (value, number) in enumerate(zip(values, coded, strict=True)):
            if number != number and value is not None and value == value:
                raise ModelError(f"In row {row}, {name!r} holds a category that training did not see.")
    return coded
