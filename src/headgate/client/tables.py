"""Any table a user has (rows, pandas, Polars, PyArrow, NumPy) as the JSON body of a prediction."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson

from headgate.errors import Malformed

EXPECTED = "Expected a list of dicts, a dict of columns, a pandas or Polars frame, a PyArrow table or a 2-D NumPy array"
OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def predict_body(data: Any, ids: Sequence[str] | None = None) -> bytes:
    """The request body in the native protocol; raises `Malformed` when `data` is no table.

    Missing values (None, NaN, NaT, NA) travel as null, times as ISO 8601, float32 with all its digits as doubles.
    """
    body = _shape(data)
    if _has_infinity(body):
        # JSON knows none, and null would be taken for a missing value
        raise Malformed("A cell is infinite, which no endpoint takes. Missing values are None or NaN.")
    if ids is not None:
        body["ids"] = [str(row_id) for row_id in ids]
    try:
        return orjson.dumps(body, option=OPTIONS, default=_plain)
    except TypeError as error:
        raise Malformed(
            f"Expected numbers, text, booleans, times or None in every cell: {error.__cause__ or error}."
        ) from error


def _has_infinity(value: Any) -> bool:
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, Mapping):
        return any(map(_has_infinity, value.values()))
    if hasattr(value, "dtype"):
        return value.dtype.kind == "f" and bool(sys.modules["numpy"].isinf(value).any())
    return isinstance(value, list | tuple) and any(map(_has_infinity, value))


def _shape(data: Any) -> dict[str, Any]:
    if isinstance(data, Mapping):
        return {"columns": _columns(data)}
    library = type(data).__module__.partition(".")[0]
    reader = LIBRARIES.get(library)
    if reader and hasattr(data, reader[0]):
        return reader[1](data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _rows(data)
    raise Malformed(f"{EXPECTED}, got {type(data).__module__}.{type(data).__qualname__}.")


def _pandas(frame: Any) -> dict[str, Any]:
    columns = {name: _pandas_column(frame[name]) for name in frame.columns}
    if all(isinstance(name, str) for name in columns):
        return {"columns": columns}
    # columns that are only numbered have their place for a name
    return {"instances": [list(row) for row in zip(*map(list, columns.values()), strict=True)]}


def _polars(frame: Any) -> dict[str, Any]:
    return {"columns": {column.name: column.to_list() for column in frame.get_columns()}}


def _pyarrow(table: Any) -> dict[str, Any]:
    columns = (column.to_pylist() for column in table.columns)
    return {"columns": dict(zip(table.column_names, columns, strict=True))}


def _numpy(array: Any) -> dict[str, Any]:
    return {"instances": _matrix(array)}


# library → what its tables have and nothing else of it, and how they are read; none of them is imported here
LIBRARIES: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    "pandas": ("columns", _pandas),
    "polars": ("get_columns", _polars),
    "pyarrow": ("column_names", _pyarrow),
    "numpy": ("ndim", _numpy),
}


def _rows(data: Sequence[Any]) -> dict[str, Any]:
    if all(isinstance(row, Mapping) for row in data):
        return {"rows": [dict(row) for row in data]}
    if all(isinstance(row, Sequence) and not isinstance(row, str | bytes) for row in data):
        return {"instances": [list(row) for row in data]}
    odd = next(place for place, row in enumerate(data) if not isinstance(row, Mapping))
    raise Malformed(f"{EXPECTED}; row {odd} is {type(data[odd]).__qualname__}.")


def _columns(data: Mapping[Any, Any]) -> dict[str, Any]:
    for name, values in data.items():
        if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
            raise Malformed(
                f"Expected a list of values for column {name!r}, got {type(values).__qualname__}. "
                "One row is a list with one dict: [{…}]."
            )
    return {str(name): values if hasattr(values, "dtype") else list(values) for name, values in data.items()}


def _matrix(array: Any) -> Any:
    if array.ndim < 2:
        raise Malformed(f"{EXPECTED}, got a NumPy array of shape {array.shape}; one row is array.reshape(1, -1).")
    return _numbers(array)


def _pandas_column(column: Any) -> Any:
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return _numbers(values)
    missing = column.isna().to_numpy()
    return [None if gone else value for value, gone in zip(column.tolist(), missing.tolist(), strict=True)]


def _numbers(array: Any) -> Any:
    """What orjson writes at once; 32-bit floats widened, or their short text would be read back as another double."""
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        array = array.astype("float64")
    if array.dtype.kind not in "biuf":
        return array.tolist()
    return sys.modules["numpy"].ascontiguousarray(array)


def _plain(value: Any) -> Any:
    """Cells that orjson does not know: NumPy scalars and times, pandas timestamps, decimals."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _numbers(value) if getattr(value, "ndim", 0) else value.item()
    if hasattr(value, "__float__"):
        return float(value)
    raise TypeError(f"a cell holds {type(value).__module__}.{type(value).__qualname__}")
