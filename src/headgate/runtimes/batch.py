"""Rows on their way to a model: one matrix where all features are scalars of one dtype, else columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Batch:
    """Some rows of a model's features, in signature order.

    `matrix` is [rows, features], C-contiguous, where all features are numbers of one dtype and scalar; then `columns`
    are views of it. Otherwise each column is [rows, *shape]: numbers of the column's dtype, text and bytes as object
    arrays with None for null, datetimes as datetime64[us] with NaT for null.
    """

    __slots__ = ("_columns", "matrix", "names", "rows")

    def __init__(
        self,
        names: Sequence[str],
        *,
        matrix: Array | None = None,
        columns: Mapping[str, Array] | None = None,
    ) -> None:
        if matrix is None and columns is None:
            raise ValueError("a batch needs a matrix or columns, got neither")
        self.names = tuple(names)
        self.matrix = matrix
        self._columns = columns
        if matrix is not None:
            self.rows = len(matrix)
        else:
            self.rows = len(next(iter(columns.values()))) if columns else 0

    @property
    def columns(self) -> Mapping[str, Array]:
        """Name → array, in signature order."""
        if self._columns is None:
            assert self.matrix is not None
            self._columns = {name: self.matrix[:, place] for place, name in enumerate(self.names)}
        return self._columns

    def slice(self, start: int, stop: int) -> "Batch":
        """The rows from start to before stop, as views."""
        if self.matrix is not None:
            return Batch(self.names, matrix=self.matrix[start:stop])
        return Batch(self.names, columns={name: array[start:stop] for name, array in self.columns.items()})


def concatenate(batches: Sequence[Batch]) -> Batch:
    """One batch of all rows, in order. All batches have the same names and the same form (matrix or columns)."""
    if len(batches) == 1:
        return batches[0]
    first = batches[0]
    if all(batch.matrix is not None for batch in batches):
        return Batch(
            first.names, matrix=np.concatenate([batch.matrix for batch in batches if batch.matrix is not None])
        )
    joined = {name: np.concatenate([batch.columns[name] for batch in batches]) for name in first.names}
    return Batch(first.names, columns=joined)
