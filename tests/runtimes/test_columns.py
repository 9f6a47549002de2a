"""Plain values become the batch that a model is given, or an error that points at the column."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from headgate.errors import SignatureMismatch
from headgate.records import Column, Dtype, Signature
from headgate.runtimes.batch import concatenate
from headgate.runtimes.columns import batch_from_columns


def signature(*dtypes: Dtype, **fields: Any) -> Signature:
    return Signature(
        inputs=tuple(Column(name=f"c{place}", dtype=dtype, **fields) for place, dtype in enumerate(dtypes))
    )


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8", "uint16", "bool"])
def test_numbers_of_one_type_are_one_matrix(dtype: Dtype) -> None:
    batch = batch_from_columns(signature(dtype, dtype), {"c0": [0, 1], "c1": [1, 0]})
    assert batch.matrix is not None
    assert batch.matrix.dtype == dtype
    assert batch.matrix.flags.c_contiguous
    assert batch.matrix.tolist() == [[0, 1], [1, 0]]
    assert batch.columns["c1"].tolist() == [1, 0]


@pytest.mark.parametrize("dtypes", [("float64", "int64"), ("string", "string"), ("datetime",), ("bytes",)])
def test_other_features_are_columns(dtypes: tuple[Dtype, ...]) -> None:
    values: dict[Dtype, list[Any]] = {
        "float64": [1.5], "int64": [2], "string": ["a"], "datetime": ["2020-01-01"], "bytes": [b"x"]
    }  # fmt: skip
    given_columns = {f"c{place}": values[dtype] for place, dtype in enumerate(dtypes)}
    batch = batch_from_columns(signature(*dtypes), given_columns)
    assert batch.matrix is None
    assert batch.rows == 1
    assert batch.names == tuple(given_columns)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_a_missing_number_is_nan(dtype: Dtype) -> None:
    for values in ([1, None], np.array([1, None], dtype=object)):
        array = batch_from_columns(signature(dtype), {"c0": values}).columns["c0"]
        assert array.dtype == ("float32" if dtype == "float32" else "float64")
        assert array[0] == 1
        assert np.isnan(array[1])


def test_missing_text_is_none_and_a_missing_time_nat() -> None:
    batch = batch_from_columns(
        signature("string", "datetime"), {"c0": ["a", None], "c1": ["2020-01-01T00:00:01", None]}
    )
    assert batch.columns["c0"].tolist() == ["a", None]
    assert batch.columns["c0"].dtype == object
    assert batch.columns["c1"].dtype == "datetime64[us]"
    assert batch.columns["c1"].tolist() == [datetime(2020, 1, 1, 0, 0, 1), None]  # noqa: DTZ001 - NumPy knows no zones


def test_bytes_come_as_they_are_or_in_base64() -> None:
    batch = batch_from_columns(signature("bytes"), {"c0": [b"raw", "cmF3", None]})
    assert batch.columns["c0"].tolist() == [b"raw", b"raw", None]


def test_tensors_keep_their_shape() -> None:
    batch = batch_from_columns(signature("float32", shape=(2, -1)), {"c0": [[[1, 2, 3], [4, 5, 6]]]})
    assert batch.columns["c0"].shape == (1, 2, 3)
    texts = batch_from_columns(signature("string", shape=(2,)), {"c0": [["a", "b"]]})
    assert texts.columns["c0"].tolist() == [["a", "b"]]


def test_only_features_are_taken() -> None:
    given_signature = Signature(
        inputs=(Column(name="id", dtype="string", roles=("key",)), Column(name="a", dtype="float64"))
    )
    assert batch_from_columns(given_signature, {"id": ["x"], "a": [1.0], "more": [1]}).names == ("a",)


@pytest.mark.parametrize(
    ("dtypes", "columns", "message"),
    [
        (("float64",), {"other": [1]}, "'c0' is missing; got: other"),
        (("float64",), {"c0": ["a"]}, "'c0' should hold"),
        (("int8",), {"c0": [1000]}, "'c0' should hold int8"), (("float64",), {"c0": [[1, 2]]}, r"'c0' .*got \(2,\)"),
        (("float64",), {"c0": [[1], [1, 2]]}, "'c0'"), (("datetime",), {"c0": ["yesterday"]}, "'c0'"),
        (("bytes",), {"c0": ["not base64!"]}, "'c0'"), (("float64", "float64"), {"c0": [1], "c1": [1, 2]}, "length"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(dtypes: tuple[Dtype, ...], columns: dict[str, Any], message: str) -> None:
    with pytest.raises(SignatureMismatch, match=message):
        batch_from_columns(signature(*dtypes), columns)


numbers = some.floats(allow_nan=False, width=32)


@given(table=some.lists(some.tuples(numbers, numbers, numbers), min_size=1, max_size=20), cut=some.integers(0, 20))
def test_a_batch_is_the_sum_of_its_slices(table: list[tuple[float, ...]], cut: int) -> None:
    columns = {f"c{place}": [row[place] for row in table] for place in range(3)}
    for dtypes in (("float64",) * 3, ("float64", "string", "float32")):
        batch = batch_from_columns(signature(*dtypes), columns)
        parts = [part for part in (batch.slice(0, cut), batch.slice(cut, batch.rows)) if part.rows]
        joined = concatenate(parts)
        assert joined.rows == len(table)
        for name in batch.names:
            assert joined.columns[name].tolist() == batch.columns[name].tolist()
