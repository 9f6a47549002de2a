"""Outputs as an Arrow table: one column each, several values per row as a list of fixed size."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headgate.serving.dialects.dialect import Array, Origin


def answer_columns(outputs: Mapping[str, Array]) -> dict[str, Any]:
    """The outputs of all rows of a batch as Arrow arrays; raises ValueError or TypeError."""
    return {name: _column(array) for name, array in outputs.items()}


def _column(array: Array) -> Any:
    import pyarrow as pa

    flat = array.reshape(-1)
    column = pa.array(np.ascontiguousarray(flat) if array.dtype.kind != "O" else flat.tolist())
    for size in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def answer_batch(
    origin: Origin, columns: Mapping[str, Any], part: slice, request_id: str, ids: Sequence[str] | None
) -> Any:
    """The record batch of one caller's rows; whence it comes is in the metadata of its schema."""
    import pyarrow as pa

    named = {} if ids is None else {"id": pa.array(list(ids), pa.string())}
    named |= {name: column[part.start : part.stop] for name, column in columns.items()}
    batch = pa.RecordBatch.from_pydict(named)
    told = {"headgate-id": request_id, "endpoint": origin.endpoint, "model": origin.version}
    return batch.replace_schema_metadata(told)
