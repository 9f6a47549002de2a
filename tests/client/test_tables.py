"""Every kind of table becomes the same request."""

import json
import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from headgate.client.tables import predict_body
from headgate.errors import Malformed

COLUMNS: dict[str, list[Any]] = {"age": [41, 42], "score": [0.5, None], "city": ["Rome", None]}
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def sent(data: Any, **options: Any) -> Any:
    return json.loads(predict_body(data, **options))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(COLUMNS, id="dict"),
        pytest.param(pd.DataFrame(COLUMNS), id="pandas"),
        pytest.param(pd.DataFrame(COLUMNS).convert_dtypes(), id="pandas-nullable"),
        pytest.param(pd.DataFrame(COLUMNS).astype({"city": "category"}), id="pandas-categories"),
        pytest.param(pl.DataFrame(COLUMNS), id="polars"),
        pytest.param(pa.table(COLUMNS), id="pyarrow"),
    ],
)
def test_frames_of_every_library_are_sent_alike(data: Any) -> None:
    assert sent(data) == {"columns": COLUMNS}


def test_rows_are_sent_as_they_are() -> None:
    rows = [{"age": 41, "score": float("nan")}, {"age": np.int64(42), "score": np.float64(1.5)}]
    assert sent(rows) == {"rows": [{"age": 41, "score": None}, {"age": 42, "score": 1.5}]}


def test_matrices_are_positional() -> None:
    assert sent(np.array([[1.5, np.nan]])) == {"instances": [[1.5, None]]}
    assert sent(np.asfortranarray([[1, 2], [3, 4]])) == {"instances": [[1, 2], [3, 4]]}
    assert sent(np.array([["a", None]], dtype=object)) == {"instances": [["a", None]]}
    assert sent([[1, 2], (3, 4)]) == {"instances": [[1, 2], [3, 4]]}


def test_32_bit_floats_keep_their_value() -> None:
    value = struct.unpack("f", struct.pack("f", 0.1))[0]
    assert sent(np.array([[0.1]], dtype=np.float32))["instances"] == [[value]]
    assert sent(pd.DataFrame({"x": np.array([0.1], dtype=np.float32)}))["columns"]["x"] == [value]
    assert value != 0.1


def test_times_are_iso_8601() -> None:
    frame = pd.DataFrame({"at": [pd.Timestamp(WHEN), pd.NaT]})
    assert sent(frame)["columns"]["at"] == ["2026-01-02T03:04:05+00:00", None]
    assert sent([{"at": WHEN, "day": date(2026, 1, 2)}])["rows"][0] == {
        "at": "2026-01-02T03:04:05+00:00", "day": "2026-01-02",
    }  # fmt: skip


def test_decimals_are_numbers() -> None:
    assert sent([{"x": Decimal("1.5")}]) == {"rows": [{"x": 1.5}]}


def test_columns_that_are_not_named_by_text_go_by_their_place() -> None:
    assert sent(pd.DataFrame([[1, 2]])) == {"instances": [[1, 2]]}


def test_ids_travel_beside_the_rows() -> None:
    assert sent([{"x": 1}], ids=["a"]) == {"rows": [{"x": 1}], "ids": ["a"]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (3, "builtins.int"),
        ("text", "builtins.str"),
        (np.array([1.0, 2.0]), "reshape"),
        ({"age": 41}, "column 'age'"),
        ([{"x": 1}, 3], "row 1 is int"),
        ([{"x": object()}], "a cell holds"),
        (pd.Series([1]), "pandas"),
    ],
)
def test_what_is_no_table_is_told_apart(data: Any, words: str) -> None:
    with pytest.raises(Malformed, match="Expected") as refusal:
        predict_body(data)
    assert words in refusal.value.message
