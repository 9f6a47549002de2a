"""From lists of plain values to the batch that a model is given."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headgate.errors import SignatureMismatch
from headgate.records import Column, Signature
from headgate.runtimes.batch import Array, Batch

TEXT, BYTES, TIME = "string", "bytes", "datetime"


def matrix_dtype(signature: Signature) -> np.dtype[Any] | None:
    """The dtype of the one matrix that holds all features, None where they do not fit into one."""
    dtypes = {column.dtype for column in signature.features}
    scalar = all(not column.shape for column in signature.features)
    if len(dtypes) != 1 or not scalar or dtypes & {TEXT, BYTES, TIME}:
        return None
    return np.dtype(dtypes.pop())


def batch_from_columns(signature: Signature, columns: Mapping[str, Sequence[Any] | Array]) -> Batch:
    """The signature's features as a batch; columns that are no features are passed over.

    A missing number is NaN (integers and booleans become float64 then), missing text None, a missing time NaT.
    Raises `SignatureMismatch` naming the column.
    """
    features = signature.features
    check_columns(features, columns)
    names = [column.name for column in features]
    arrays = {column.name: column_array(column, columns[column.name]) for column in features}
    dtype = matrix_dtype(signature)
    if dtype is None or any(array.dtype != dtype for array in arrays.values()):
        return Batch(names, columns=arrays)
    matrix = np.empty((len(arrays[names[0]]), len(names)), dtype)
    for place, name in enumerate(names):
        matrix[:, place] = arrays[name]
    return Batch(names, matrix=matrix)


def check_columns(features: Sequence[Column], columns: Mapping[str, Sequence[Any] | Array]) -> None:
    """Every feature is there, and all are of one length."""
    for column in features:
        if column.name not in columns:
            raise SignatureMismatch(
                f"Column {column.name!r} is missing; got: {', '.join(map(str, columns))}.",
                detail=[{"column": column.name, "expected": column.dtype, "got": None}],
            )
    lengths = {column.name: len(columns[column.name]) for column in features}
    if len(set(lengths.values())) > 1:
        raise SignatureMismatch(f"The columns differ in length: {lengths}.")


def column_array(column: Column, values: Sequence[Any] | Array) -> Array:
    """One column as [rows, *shape]; raises `SignatureMismatch` naming the column."""
    try:
        array = _convert(column, values)
    except (TypeError, ValueError, OverflowError) as error:
        raise SignatureMismatch(
            f"Column {column.name!r} should hold {column.dtype} of shape {column.shape}: {error}.",
            detail=[{"column": column.name, "expected": column.dtype, "got": str(error)}],
        ) from error
    if not fits_shape(array.shape[1:], column.shape):
        raise SignatureMismatch(
            f"Column {column.name!r} should have values of shape {column.shape}, got {array.shape[1:]}.",
            detail=[{"column": column.name, "expected": list(column.shape), "got": list(array.shape[1:])}],
        )
    return array


def fits_shape(shape: tuple[int, ...], declared: tuple[int, ...]) -> bool:
    """Whether values of this shape are of the declared one, in which -1 stands for any size."""
    return len(shape) == len(declared) and all(want in (-1, got) for got, want in zip(shape, declared, strict=True))


def _convert(column: Column, values: Sequence[Any] | Array) -> Array:
    if column.dtype in (TEXT, BYTES):
        return _objects(column, values)
    if column.dtype == TIME:
        return np.asarray(values, dtype="datetime64[us]")
    dtype = np.dtype(column.dtype)
    if isinstance(values, np.ndarray):
        return _convert_array(values, dtype)
    if dtype.kind != "f" and None in values:
        dtype = np.dtype(np.float64)
    return np.array(values, dtype=dtype)


def _convert_array(values: Array, dtype: np.dtype[Any]) -> Array:
    if values.dtype.kind == "O" and dtype.kind != "f" and any(value is None for value in values.flat):
        dtype = np.dtype(np.float64)
    if values.dtype.kind == "f" and dtype.kind != "f" and np.isnan(values).any():
        dtype = np.dtype(np.float64)
    return values.astype(dtype, copy=False)


def _objects(column: Column, values: Sequence[Any] | Array) -> Array:
    if not column.shape:
        array = np.empty(len(values), dtype=object)
        array[:] = values
    else:
        array = np.array(values, dtype=object)
    if column.dtype == BYTES:
        for place, value in enumerate(array.flat):
            if isinstance(value, str):
                array.flat[place] = base64.b64decode(value, validate=True)
    return array
