"""Data as the user has it (pandas, Polars, PyArrow, NumPy, dict, file) → columns of arrays. Imports none of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headgate.errors import Malformed, UnsupportedType
from headgate.packaging.data_files import SUFFIXES, read_content
from headgate.records import Category, Dtype
from headgate.runtimes.batch import Array
from headgate.statistics.profile import missing

NUMBERS = frozenset("biuf")


@dataclass(frozen=True)
class Table:
    """Columns [rows, …] in order: numbers (NaN for null), truth, datetime64[us] or object arrays (None for null)."""

    columns: Mapping[str, Array]
    named: bool = True  # False for a bare matrix, whose columns are x0, x1, …
    # levels that the data itself declares (a categorical dtype), by column
    levels: Mapping[str, tuple[Category, ...]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def take(self, places: Sequence[int] | Array) -> "Table":
        """Those rows, in that order."""
        chosen = np.asarray(places, dtype=np.int64)
        return Table({name: values[chosen] for name, values in self.columns.items()}, self.named, self.levels)

    def without(self, name: str) -> "Table":
        """All columns but one."""
        kept = {other: values for other, values in self.columns.items() if other != name}
        return Table(kept, self.named, self.levels)

    def rename(self, names: Sequence[str]) -> "Table":
        """The same columns under other names, in order."""
        return Table(dict(zip(names, self.columns.values(), strict=True)), True, {})


def stack(tables: Sequence[Table], names: Sequence[str]) -> Table:
    """The named columns of all tables, one below the other."""
    return Table({name: np.concatenate([table.columns[name] for table in tables]) for name in names})


def read_table(data: Any, where: str = "data") -> Table:
    """Columns of a pandas or Polars frame, PyArrow table, NumPy matrix, dict of columns, list of rows or data file.

    Raises `UnsupportedType` naming `where` and what was got, `Malformed` for columns that hold no one type.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, str | Path):
        return read_file(Path(data))
    library = type(data).__module__.partition(".")[0]
    table = _READERS.get(library, _from_plain)(data)
    if table is None:
        raise UnsupportedType(
            f"Expected {where} as a pandas or Polars frame, PyArrow table, NumPy array of rows, dict of columns, "
            f"list of rows or a file ({', '.join(SUFFIXES)}), got {type(data).__module__}.{type(data).__qualname__}."
        )
    if not table.rows:
        raise Malformed(f"Expected rows in {where}, got none: {len(table.columns)} columns.")
    return table


def read_file(path: Path) -> Table:
    """The columns of a data file; raises `NotFound`, `UnsupportedType` (with what to install) or `Malformed`."""
    return read_table(read_content(path), str(path))


def read_vector(values: Any, where: str = "target") -> Array:
    """One column [rows] (or [rows, outputs]) of a series, array or list."""
    library = type(values).__module__.partition(".")[0]
    read = _VECTORS.get(library)
    if read and (library != "pandas" or getattr(values, "ndim", 0) == 1):
        return read(values)[0]
    if isinstance(values, list | tuple) or hasattr(values, "__array__"):
        return _plain_vector(values, where)
    raise UnsupportedType(f"Expected {where} as a series, array or list, got {type(values).__qualname__}.")


def _plain_vector(values: Any, where: str) -> Array:
    if isinstance(values, list | tuple) and not any(isinstance(value, list | tuple | np.ndarray) for value in values):
        return tidy(values, where)
    array = np.asarray(values)
    return tidy(array.tolist(), where) if array.dtype.kind in "OU" and array.ndim == 1 else array


def dtype_of(values: Array) -> Dtype:
    """The signature's name for a column's type; raises `Malformed` for one that it has none for."""
    kind = values.dtype.kind
    if kind == "M":
        return "datetime"
    if kind in NUMBERS and values.dtype.name in _NUMERIC:
        return _NUMERIC[values.dtype.name]
    if kind == "O":
        first = next((value for value in values.flat if value is not None), "")
        if isinstance(first, bytes):
            return "bytes"
        return "bool" if isinstance(first, bool) else "string"
    raise Malformed(f"Expected numbers, truth values, text or times, got an array of {values.dtype}.")


_NUMERIC: dict[str, Dtype] = {
    "bool": "bool", "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64", "uint8": "uint8",
    "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "float32": "float32", "float64": "float64",
}  # fmt: skip


def tidy(values: Sequence[Any], where: str) -> Array:
    """Python values of one kind, None or NaN for null → the array that a `Table` holds; raises `Malformed`."""
    present = [None if value is None or value != value else value for value in values]
    kinds = {_kind(value) for value in present if value is not None}
    if len(kinds) > 1:
        raise Malformed(f"Expected values of one type in {where}, got {' and '.join(sorted(kinds))}: clean it first.")
    return _ARRAYS.get("".join(kinds), _object_array)(present)


def _object_array(values: Sequence[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = [_plain(value) for value in values]
    return array


def _truth_array(values: Sequence[Any]) -> Array:
    return _object_array(values) if None in values else np.array(values, dtype=bool)


def _time_array(values: Sequence[Any]) -> Array:
    return np.array(values, dtype="datetime64[us]")


def _number_array(values: Sequence[Any]) -> Array:
    whole = all(isinstance(value, int | np.integer) for value in values)
    filled = [np.nan if value is None else value for value in values]
    return np.array(filled, dtype=np.int64 if whole else np.float64)


_ARRAYS = {"number": _number_array, "truth": _truth_array, "time": _time_array}


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "truth"
    if isinstance(value, int | float | np.number) or type(value).__name__ == "Decimal":
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bytes):
        return "bytes"
    return "time" if hasattr(value, "isoformat") or isinstance(value, np.datetime64) else type(value).__qualname__


def _plain(value: Any) -> Any:
    if isinstance(value, np.bool_):
        return bool(value)
    return str(value) if isinstance(value, str) else value


def _from_pandas(data: Any) -> Table | None:
    if getattr(data, "ndim", 0) != 2:
        return None
    named = all(isinstance(name, str) for name in data.columns)
    columns, levels = {}, {}
    for place, name in enumerate(data.columns if named else [f"x{place}" for place in range(data.shape[1])]):
        columns[name], declared = _pandas_column(data.iloc[:, place], str(name))
        if declared:
            levels[name] = declared
    _check_names(data.columns, columns)
    return Table(columns, named, levels)


def _pandas_column(series: Any, where: str = "target") -> tuple[Array, tuple[Category, ...]]:
    if not hasattr(series.dtype, "categories"):
        return _pandas_values(series, where), ()
    levels = series.dtype.categories
    plain = series.astype(object if series.isna().any() else levels.dtype)
    return _pandas_values(plain, where), _declared(levels.tolist())


def _pandas_values(series: Any, where: str) -> Array:
    kind = getattr(series.dtype, "kind", "O")
    values: Array
    if kind == "M":
        plain = series.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(series.dtype, "tz", None) else series
        values = plain.to_numpy(dtype="datetime64[us]")
    elif kind in NUMBERS and isinstance(series.dtype, np.dtype):
        values = series.to_numpy()
    elif kind in NUMBERS and not series.isna().any():
        values = series.to_numpy(dtype=series.dtype.numpy_dtype)
    elif kind in "iuf":
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = tidy([None if null else value for value, null in zip(series, series.isna(), strict=True)], where)
    return values


def _from_polars(data: Any) -> Table | None:
    frame = data.collect() if hasattr(data, "collect") else data
    if not hasattr(frame, "get_columns"):
        return None
    columns, levels = {}, {}
    for series in frame.get_columns():
        columns[series.name], declared = _polars_column(series)
        if declared:
            levels[series.name] = declared
    return Table(columns, True, levels)


def _polars_column(series: Any) -> tuple[Array, tuple[Category, ...]]:
    dtype = series.dtype
    if dtype.is_numeric() and "Decimal" not in str(dtype):
        return np.array(series.to_numpy()), ()
    kind = str(dtype).partition("(")[0]
    levels = dtype.categories if kind == "Enum" else series.drop_nulls().unique() if kind == "Categorical" else None
    declared = _declared(levels.to_list()) if levels is not None else ()
    return tidy(series.to_list(), f"column {series.name!r}"), declared


def _from_arrow(data: Any) -> Table | None:
    if not hasattr(data, "column_names"):
        return None
    columns, levels = {}, {}
    for name in data.column_names:
        columns[name], declared = _arrow_column(data.column(name), name)
        if declared:
            levels[name] = declared
    _check_names(data.column_names, columns)
    return Table(columns, True, levels)


def _arrow_column(column: Any, where: str = "target") -> tuple[Array, tuple[Category, ...]]:
    kind = str(column.type)
    if kind.startswith(("int", "uint", "float", "double", "halffloat")):
        return np.array(column.to_numpy()), ()
    declared: tuple[Category, ...] = ()
    if kind.startswith("dictionary"):
        chunks = getattr(column, "chunks", [column])
        declared = _declared(sorted({level for chunk in chunks for level in chunk.dictionary.to_pylist()}))
    return tidy(column.to_pylist(), f"column {where!r}"), declared


def _from_numpy(data: Any) -> Table | None:
    if not isinstance(data, np.ndarray) or data.ndim < 2:
        return None
    if data.ndim > 2:
        # images or sequences: one column that holds an array per row
        return Table({"x0": data}, named=False)
    names = [f"x{place}" for place in range(data.shape[1])]
    if data.dtype.kind in NUMBERS:
        return Table({name: data[:, place] for place, name in enumerate(names)}, named=False)
    columns = {name: tidy(data[:, place].tolist(), f"column {place}") for place, name in enumerate(names)}
    return Table(columns, named=False)


def _from_plain(data: Any) -> Table | None:
    if isinstance(data, Mapping):
        return _from_columns(data)
    if not isinstance(data, list | tuple) or not data:
        return None
    if all(isinstance(row, Mapping) for row in data):
        return _from_rows(data)
    if all(isinstance(row, list | tuple | np.ndarray) for row in data):
        return _from_numpy(np.array(data, dtype=object if _mixed(data) else None))
    return None


def _from_rows(data: Sequence[Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for row in data for name in row))
    return Table({name: tidy([row.get(name) for row in data], f"column {name!r}") for name in names})


def _from_columns(data: Mapping[Any, Any]) -> Table | None:
    if not all(isinstance(name, str) for name in data):
        return None
    columns = {name: read_vector(values, f"column {name!r}") for name, values in data.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise Malformed(f"Expected columns of one length, got {lengths}.")
    return Table(columns)


_VECTORS: dict[str, Callable[[Any], tuple[Array, tuple[Category, ...]]]] = {
    "pandas": _pandas_column,
    "polars": _polars_column,
    "pyarrow": _arrow_column,
}
_READERS: dict[str, Callable[[Any], Table | None]] = {
    "pandas": _from_pandas,
    "polars": _from_polars,
    "pyarrow": _from_arrow,
    "numpy": _from_numpy,
}


def _mixed(rows: Sequence[Sequence[Any]]) -> bool:
    return any(isinstance(value, str) or value is None for row in rows for value in row)


def _declared(levels: Sequence[Any]) -> tuple[Category, ...]:
    plain = [level.item() if isinstance(level, np.generic) else level for level in levels]
    fits = all(isinstance(level, bool | int | str) for level in plain)
    return tuple(sorted(plain, key=lambda level: (str(type(level)), level))) if fits else ()


def _check_names(given: Sequence[Any], columns: Mapping[str, Array]) -> None:
    if len(given) != len(columns):
        twice = sorted({str(name) for name in given if list(given).count(name) > 1})
        raise Malformed(f"Expected every column name once, got these more often: {twice}. Rename them.")


def nullable(values: Array) -> bool:
    """Whether any value of the column is null."""
    return bool(missing(values).any()) if values.ndim == 1 else False
