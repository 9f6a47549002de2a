"""The tables that Python models take: a pandas frame, or one matrix."""

import importlib.util
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from headgate.errors import ModelError
from headgate.records import Column
from headgate.runtimes.batch import Array, Batch


def has_pandas() -> bool:
    """Whether frames can be made here."""
    return importlib.util.find_spec("pandas") is not None


def frame_maker(features: Sequence[Column], objects: Container[str] = ()) -> Callable[[Batch], Any]:
    """From a batch to a `pandas.DataFrame` with the features' names; a matrix where there is no pandas.

    Missing text is NaN, as in the frames that pandas reads itself, and None in the columns of `objects`.
    Raises `ModelError` when there is no pandas and the columns do not fit into one matrix of numbers.
    """
    if not has_pandas():
        if any(column.dtype in ("string", "bytes", "datetime") or column.shape for column in features):
            raise ModelError("The model takes a table with text or times, which needs pandas: pip install pandas")
        return matrix_of
    # takes 0.4 s to import
    import pandas

    names = pandas.Index([column.name for column in features])

    def make(batch: Batch) -> Any:
        if batch.matrix is not None:
            return pandas.DataFrame(batch.matrix, columns=names, copy=False)
        return pandas.DataFrame({name: fill(name, array) for name, array in batch.columns.items()}, columns=names)

    def fill(name: str, array: Array) -> Any:
        if name in objects:
            # otherwise pandas takes text for its own type, which knows no None
            return pandas.Series(array, dtype=object)
        return array if array.ndim == 1 else list(array)

    return make


def matrix_of(batch: Batch) -> Array:
    """[rows, features] of the common dtype, objects where there is text; a single tensor feature as it is."""
    if batch.matrix is not None:
        return batch.matrix
    columns = list(batch.columns.values())
    if len(columns) == 1 and columns[0].ndim > 1:
        return columns[0]
    dtype = object if any(column.dtype.kind in "OM" for column in columns) else np.result_type(*columns)
    matrix: Array = np.empty((batch.rows, len(columns)), dtype)
    for place, column in enumerate(columns):
        matrix[:, place] = column
    return matrix
