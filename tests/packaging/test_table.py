"""Data as users have it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.errors import HeadgateError, Malformed, NotFound, UnsupportedType
from headgate.packaging.lineage import digest_of_table
from headgate.packaging.table import Table, dtype_of, read_file, read_table, read_vector

NAN = float("nan")


def values(table: Table) -> dict[str, list[Any]]:
    """Columns as lists, NaN as None."""
    return {
        name: [None if value is None or value != value else value for value in column.tolist()]
        for name, column in table.columns.items()
    }


def dtypes(table: Table) -> list[str]:
    return [dtype_of(column) for column in table.columns.values()]


EXPECTED: dict[str, list[Any]] = {
    "whole": [1, 2, 3],
    "part": [0.5, None, 2.5],
    "town": ["Bern", None, "Genève"],
    "yes": [True, False, True],
}


def frames() -> dict[str, Any]:
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    plain = pd.DataFrame({name: pd.Series(list(column)) for name, column in EXPECTED.items()})
    extension = plain.astype({"whole": "Int64", "part": "Float64", "town": "string", "yes": "boolean"})
    return {
        "pandas": plain,
        "pandas-extension": extension,
        "pandas-category": plain.astype({"town": "category"}),
        "pandas-object": plain.astype({"town": object}),
        "polars": pl.DataFrame(EXPECTED),
        "polars-lazy": pl.DataFrame(EXPECTED).lazy(),
        "polars-category": pl.DataFrame(EXPECTED, schema_overrides={"town": pl.Categorical}),
        "pyarrow": pa.table(EXPECTED),
        "pyarrow-dictionary": pa.table(EXPECTED).set_column(2, "town", pa.array(EXPECTED["town"]).dictionary_encode()),
        "pyarrow-chunks": pa.concat_tables([pa.table(EXPECTED).slice(0, 1), pa.table(EXPECTED).slice(1)]),
        "dict": EXPECTED,
        "rows": [dict(zip(EXPECTED, row, strict=True)) for row in zip(*EXPECTED.values(), strict=True)],
    }


@pytest.mark.parametrize("name", [
    "pandas", "pandas-extension", "pandas-category", "pandas-object", "polars", "polars-lazy", "polars-category",
    "pyarrow", "pyarrow-dictionary", "pyarrow-chunks", "dict", "rows",
])  # fmt: skip
def test_every_library_gives_the_same_table(name: str) -> None:
    table = read_table(frames()[name])
    assert values(table) == EXPECTED
    assert dtypes(table) == ["int64", "float64", "string", "bool"]
    assert table.named
    assert digest_of_table(table) == digest_of_table(read_table(EXPECTED))
    declares = name in ("pandas-category", "polars-category", "pyarrow-dictionary")
    assert table.levels == ({"town": ("Bern", "Genève")} if declares else {})


def test_categories_of_a_type_are_levels() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"c": pd.Categorical(["b", None], categories=["c", "b", "a"]), "n": pd.Categorical([2, 1])})
    table = read_table(frame)
    assert table.levels == {"c": ("a", "b", "c"), "n": (1, 2)}
    assert values(table) == {"c": ["b", None], "n": [2, 1]}


def test_times_lose_their_zone_and_keep_their_moment() -> None:
    pd = pytest.importorskip("pandas")
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    times = pd.to_datetime([noon, None]).tz_convert("Asia/Tokyo")
    table = read_table(pd.DataFrame({"t": times, "d": [date(2026, 1, 1)] * 2}))
    assert table.columns["t"].dtype == np.dtype("datetime64[us]")
    assert values(table)["t"][0] == datetime(2026, 1, 1, 12)  # noqa: DTZ001 - columns of times have no zone
    assert dtypes(table) == ["datetime", "datetime"]


def test_matrices() -> None:
    table = read_table(np.array([[1.5, 2], [3, 4]], dtype=np.float32))
    assert (table.names, table.named, dtypes(table)) == (("x0", "x1"), False, ["float32", "float32"])
    mixed = read_table(np.array([["a", 1], [None, 2]], dtype=object))
    assert (dtypes(mixed), values(mixed)["x0"]) == (["string", "int64"], ["a", None])
    assert values(read_table([[1, "x"], [2, None]])) == {"x0": [1, 2], "x1": ["x", None]}


def test_targets() -> None:
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    for given in (["a", "b"], pd.Series(["a", "b"]), pl.Series(["a", "b"]), pa.array(["a", "b"]), np.array(["a", "b"])):
        assert read_vector(given).tolist() == ["a", "b"]
    assert read_vector(np.zeros((3, 2))).shape == (3, 2)
    assert read_vector(pd.DataFrame({"a": [1], "b": [2]})).shape == (1, 2)
    with pytest.raises(UnsupportedType, match="Expected target as a series"):
        read_vector("nope")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (object(), "Expected data as a pandas or Polars frame"),
        (np.zeros(3), "NumPy array of rows"),
        ({}, "Expected rows in data, got none"),
        ({"a": []}, "Expected rows in data, got none"),
        ({"a": [1], "b": [1, 2]}, "columns of one length"),
        ({"a": [1, "x"]}, "values of one type in column 'a', got number and text"),
        ({"a": [1, {}]}, "got dict and number"),
    ],
)
def test_what_is_no_table_is_said(data: Any, expected: str) -> None:
    with pytest.raises(HeadgateError, match=expected):
        read_table(data)


def test_a_name_twice_is_refused() -> None:
    pd = pytest.importorskip("pandas")
    with pytest.raises(Malformed, match=r"more often: \['a'\]"):
        read_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


CSV = 'whole,part,code,flag,town,note\n1,0.5,007,true,"Bern, west",\n2,,008,false,,x\n'


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\ufeff" + CSV, encoding="utf-8")
    table = read_file(path)
    assert values(table) == {
        "whole": [1, 2],
        "part": [0.5, None],
        "code": ["007", "008"],
        "flag": [True, False],
        "town": ["Bern, west", None],
        "note": [None, "x"],
    }
    assert dtypes(table) == ["int64", "float64", "string", "bool", "string", "string"]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".feather", ".json", ".ndjson"])
def test_other_files(suffix: str, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import json

    from pyarrow import feather, parquet

    path = tmp_path / f"rows{suffix}"
    rows = pa.table(EXPECTED).to_pylist()
    if suffix == ".parquet":
        parquet.write_table(pa.table(EXPECTED), path)
    elif suffix in (".arrow", ".feather"):
        feather.write_feather(pa.table(EXPECTED), path)
    elif suffix == ".json":
        path.write_text(json.dumps({"rows": rows}))
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    assert values(read_file(path)) == EXPECTED


@pytest.mark.parametrize(
    ("name", "content", "error", "expected"),
    [
        ("a.csv", "a,b\n", Malformed, "header and rows"),
        ("a.csv", "a,b\n1\n", Malformed, "2 cells in line 2"),
        ("a.csv", "a,a\n1,2\n", Malformed, "every column name once"),
        ("a.json", "{", Malformed, "is not JSON"),
        ("a.xlsx", "", UnsupportedType, "ending in .csv"),
        ("", "", NotFound, "no data file"),
    ],
)
def test_bad_files(name: str, content: str, error: type[Exception], expected: str, tmp_path: Path) -> None:
    path = tmp_path / (name or "absent.csv")
    if name:
        path.write_text(content)
    with pytest.raises(error, match=expected):
        read_file(path)
