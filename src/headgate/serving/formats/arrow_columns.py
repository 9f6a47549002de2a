"""From an Arrow table to rows: types by name against the contract, then whole arrays, without a Python object per cell.

Numbers are taken where nothing is lost: any integer that fits, any integer or float where the contract has floats, and
floats that are whole where it has integers.
Only text and bytes become Python objects, those of a dictionary once for all rows that refer to them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from headgate.errors import Malformed, TooLarge
from headgate.records import Column
from headgate.runtimes.batch import Batch
from headgate.serving.cells import FLOAT32_MAX, WHOLE_MAX
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.format import Array
from headgate.serving.formats.second_look import check_ids
from headgate.serving.problems import Problem, count_problem, excerpt, expected_text, mismatch, problem

ID = "id"
# seconds since 1970 of the first and the last moment that text can write
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
# an Arrow array of one column → [rows, *shape]; raises Misfit
Convert = Callable[[Column, bool, Any], Array]


class Misfit(ValueError):
    """A cell that the contract does not take: its row, what was expected where that is not the type, what was got."""

    def __init__(self, row: int, got: str, expected: str = "") -> None:
        super().__init__(row, got, expected)
        self.row, self.got, self.expected = row, got, expected


def check_schema(contract: Contract, schema: Any) -> None:
    """Every column is known, of a type that can fit, and there; raises `SignatureMismatch` or `Malformed`."""
    if len(set(schema.names)) < len(schema.names):
        raise Malformed("A name of a column occurs twice.")
    if found := list(_schema_problems(contract, schema)):
        raise mismatch(found)


def _schema_problems(contract: Contract, schema: Any) -> Iterator[Problem]:
    for field in schema:
        column = _known(contract, field.name)
        if column is None:
            yield problem(None, field.name, "a column of the contract", "unknown column")
        elif not _fits(column, field.type, len(column.shape)):
            yield problem(None, field.name, expected_text(column), str(field.type)[:64])
    for column in contract.features:
        if column.name not in schema.names:
            yield problem(None, column.name, expected_text(column), "nothing")


def _known(contract: Contract, name: str) -> Column | None:
    return contract.columns.get(name) or (Column(name=ID, dtype="string", roles=()) if name == ID else None)


def _fits(column: Column, kind: Any, rank: int) -> bool:
    import pyarrow.types as types

    if rank:
        nested = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
        return nested and _fits(column, kind.value_type, rank - 1)
    if types.is_dictionary(kind):
        # pyarrow cannot choose from views
        return not str(kind.value_type).endswith("_view") and _fits(column, kind.value_type, 0)
    if types.is_null(kind):
        return not column.shape
    tests: dict[str, tuple[Callable[[Any], bool], ...]] = {
        "bool": (types.is_boolean,),
        "float32": (types.is_floating, types.is_integer),
        "float64": (types.is_floating, types.is_integer),
        "string": (types.is_string, types.is_large_string, types.is_string_view),
        "bytes": (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view),
        "datetime": (types.is_timestamp, types.is_date),
    }
    return any(test(kind) for test in tests.get(column.dtype, (types.is_integer, types.is_floating)))


def columns_of(contract: Contract, table: Any) -> dict[str, Array]:
    """The columns of a validated table as the model takes them; raises `SignatureMismatch` or `TooLarge`."""
    if (error := count_problem(contract, table.num_rows)) is not None:
        raise error
    found: list[Problem] = []
    arrays: dict[str, Array] = {}
    for name in table.schema.names:
        column = _known(contract, name)
        assert column is not None  # the schema was checked
        optional = column not in contract.features and name in contract.columns
        try:
            arrays[name] = _convert(column, column.nullable or optional, _joined(table.column(name)), contract)
            _check_largest(column, arrays[name], contract.largest_of(column))
        except Misfit as misfit:
            found.append(problem(misfit.row, name, misfit.expected or expected_text(column), misfit.got))
    if found:
        raise mismatch(found)
    return arrays


def rows_of(contract: Contract, arrays: dict[str, Array], count: int) -> Rows:
    """The rows of converted columns; raises `SignatureMismatch`."""
    rows = _rows(contract, {name: arrays[name] for name in contract.names}, count)
    others = {column.name: _cells(arrays[column.name]) for column in contract.others if column.name in arrays}
    rows.others = others or None
    if ID in arrays and ID not in contract.columns:
        rows.ids = _ids(arrays[ID].tolist())
    return rows


def _joined(column: Any) -> Any:
    """One array of a chunked column."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.unify_dictionaries().chunks)


def _rows(contract: Contract, arrays: dict[str, Array], count: int) -> Rows:
    if contract.dtype is None:
        return Rows(count, Batch(contract.names, columns=arrays))
    matrix = np.empty((count, len(arrays)), contract.dtype)
    for place, array in enumerate(arrays.values()):
        matrix[:, place] = array
    return Rows(count, matrix.tobytes())


def _cells(array: Array) -> list[Any]:
    """As the other formats record it: None for null, times as they are."""
    if array.dtype.kind == "M":
        return [None if np.isnat(value) else value for value in array]
    cells: list[Any] = array.tolist()
    return [None if value != value else value for value in cells] if array.dtype.kind == "f" else cells


def _ids(ids: list[str]) -> list[str]:
    for place, name in enumerate(ids):
        if not 1 <= len(name) <= 128:
            raise mismatch([problem(place, ID, "text of 1 to 128 characters", excerpt(name))])
    check_ids(ids, len(ids))
    return ids


def _convert(column: Column, nullable: bool, array: Any, contract: Contract) -> Array:
    if column.shape:
        return _shaped(column, array, contract)
    if array.null_count and not nullable:
        raise Misfit(int(np.argmin(_valid(array))), "null")
    if column.dtype in ("string", "bytes"):
        return _objects(array, contract)
    if str(array.type).startswith("dictionary"):
        array = array.dictionary_decode()
    if column.dtype == "datetime":
        return _times(array)
    return _numbers(column, nullable, array)


def _valid(array: Any) -> Array:
    valid: Array = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _shaped(column: Column, array: Any, contract: Contract) -> Array:
    """Lists of lists as one array, where all are of one size."""
    sizes = [len(array)]
    for size in column.shape:
        if array.null_count:
            raise Misfit(int(np.argmin(_valid(array))) // int(np.prod(sizes[1:], dtype=np.int64) or 1), "null")
        lengths = array.value_lengths().to_numpy(zero_copy_only=False)
        wanted = size if size >= 0 else int(lengths[0]) if len(lengths) else 0
        if (wrong := np.flatnonzero(lengths != wanted)).size:
            row = int(wrong[0]) // int(np.prod(sizes[1:], dtype=np.int64) or 1)
            raise Misfit(row, f"{int(lengths[wrong[0]])} values", f"{wanted} values")
        sizes.append(wanted)
        array = array.flatten()
    flat = Column(name=column.name, dtype=column.dtype)
    try:
        return _convert(flat, False, array, contract).reshape(sizes)
    except Misfit as misfit:
        raise Misfit(misfit.row // max(1, len(array) // max(1, sizes[0])), misfit.got) from None


def _numbers(column: Column, nullable: bool, array: Any) -> Array:
    dtype = np.dtype(column.dtype)
    if str(array.type) == "null":
        return np.full(len(array), np.nan)
    if array.null_count == 0:
        values: Array = array.to_numpy(zero_copy_only=False)
        _check(dtype, nullable, values)
        gaps = dtype.kind in "iu" and values.dtype.kind == "f" and bool(np.isnan(values).any())
        return values.astype(np.float64 if gaps else dtype, copy=False)
    if dtype.kind == "b":
        array = array.cast("uint8")
    elif dtype.kind != "f":
        _check(dtype, nullable, array.fill_null(0).to_numpy(zero_copy_only=False))
    values = array.cast("float64", safe=False).to_numpy(zero_copy_only=False)
    if dtype.kind == "f":
        _check(dtype, nullable, values)
    # as everywhere: whole numbers and booleans with nulls are float64
    return values.astype(dtype if dtype.kind == "f" else np.float64, copy=False)


def _check(dtype: np.dtype[Any], nullable: bool, values: Array) -> None:
    """No value beyond the dtype; NaN only where null is taken, since that is what it becomes."""
    bad = _misfits(dtype, nullable, values)
    if bad.any():
        row = int(np.argmax(bad))
        raise Misfit(row, str(values[row].item())[:64])


def _misfits(dtype: np.dtype[Any], nullable: bool, values: Array) -> Array:
    if dtype.kind == "f" and values.dtype.kind == "f":
        most = FLOAT32_MAX if dtype.itemsize == 4 and values.dtype.itemsize == 8 else np.inf
        good = np.isfinite(values) & (np.abs(values) <= most)
        return ~(good | np.isnan(values)) if nullable else ~good
    if dtype.kind in "iu" and values.dtype.kind == "f":
        return _not_whole(np.iinfo(dtype), nullable, values)
    bad: Array = np.zeros(len(values), dtype=bool)
    if dtype.kind in "iu" and not np.can_cast(values.dtype, dtype):
        bounds = np.iinfo(dtype)
        bad = (values < bounds.min) | (values > bounds.max)
    return bad


def _not_whole(bounds: Any, nullable: bool, values: Array) -> Array:
    """Floats that are no whole numbers between the bounds, or so large that they may stand for several."""
    low, high = max(int(bounds.min), -WHOLE_MAX), min(int(bounds.max), WHOLE_MAX)
    with np.errstate(invalid="ignore"):
        good = (np.trunc(values) == values) & (values >= low) & (values <= high)
    bad: Array = ~(good | np.isnan(values)) if nullable else ~good
    return bad


def _check_largest(column: Column, values: Array, largest: float | None) -> None:
    """No number beyond what the models take."""
    if largest is None or values.dtype.kind not in "iuf":
        return
    bad = (values > largest) | (values < -largest)
    if bad.any():
        row = int(np.argmax(bad.reshape(len(values), -1).any(axis=1)))
        raise Misfit(row, str(values[bad].flat[0].item())[:64], expected_text(column, largest))


def _times(array: Any) -> Array:
    if str(array.type) == "null":
        return np.full(len(array), "NaT", "datetime64[us]")
    moments: Array = array.to_numpy(zero_copy_only=False)
    unit = np.datetime_data(moments.dtype)[0]
    # the bounds in the column's own unit: converting first would wrap around
    scale = {"D": 86_400, "s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    first, last = (_FIRST // scale, _LAST // scale) if unit == "D" else (_FIRST * scale, (_LAST + 1) * scale - 1)
    if unit != "ns":
        counts = moments.astype(np.int64)
        bad = ~np.isnat(moments) & ((counts < first) | (counts > last))
        if bad.any():
            raise Misfit(int(np.argmax(bad)), "a time beyond year 1 to 9999 in UTC")
    return moments.astype("datetime64[us]")


def _objects(array: Any, contract: Contract) -> Array:
    """Text or bytes as an object array, with None for null."""
    import pyarrow as pa

    result: Array = np.full(len(array), None, dtype=object)
    valid = _valid(array)
    if not valid.any():
        return result
    if not pa.types.is_dictionary(array.type):
        _check_length(int(_lengths(array)[valid].sum()), contract)
        result[:] = array.to_pylist()
        return result
    places = array.indices.fill_null(0).to_numpy(zero_copy_only=False)[valid]
    # of the dictionary only what is referred to
    used, places = np.unique(places, return_inverse=True)
    words = array.dictionary.take(pa.array(used))
    _check_length(int(np.where(_valid(words), _lengths(words), 0)[places].sum()), contract)
    objects: Array = np.full(len(words), None, dtype=object)
    objects[:] = words.to_pylist()
    result[valid] = objects[places]
    return result


def _check_length(length: int, contract: Contract) -> None:
    if length > contract.max_bytes:
        raise TooLarge(f"A column holds {length} bytes once it is written out, {contract.max_bytes} are allowed.")


def _lengths(array: Any) -> Array:
    """Bytes per cell. Views may all point at the same bytes: what they become is only seen here."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_fixed_size_binary(array.type):
        return np.full(len(array), array.type.byte_width, np.int64)
    if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
        views = np.frombuffer(array.buffers()[1], np.int32)
        return views[array.offset * 4 :: 4][: len(array)].astype(np.int64)
    lengths: Array = pc.binary_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64)
