"""Data files → what is in them, not yet as a table."""

import csv
import importlib.util
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.errors import Malformed, NotFound, UnsupportedType

SUFFIXES = (".csv", ".json", ".ndjson", ".jsonl", ".parquet", ".arrow", ".feather", ".npy", ".npz")
# a leading zero makes a code of a number: 007
DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?|[nN]a[nN]", re.ASCII)


def read_content(path: Path) -> Any:
    """A dict of columns, a list of rows or a frame; raises `NotFound`, `UnsupportedType` or `Malformed`."""
    if not path.is_file():
        raise NotFound(f"There is no data file {path}.")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_csv(path)
    if suffix in (".parquet", ".arrow", ".feather"):
        return _read_columnar(path, "read_parquet" if suffix == ".parquet" else "read_ipc")
    if suffix in (".json", ".ndjson", ".jsonl"):
        return _read_json(path)
    if suffix in (".npy", ".npz"):
        return _read_arrays(path)
    raise UnsupportedType(f"Expected a data file ending in {', '.join(SUFFIXES)}, got {path}: convert it first.")


def _read_csv(path: Path) -> dict[str, list[Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if len(rows) < 2:
        raise Malformed(f"Expected a header and rows in {path}, got {len(rows)} lines.")
    header = rows[0]
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise Malformed(f"Expected every column name once in {path}, got these more often: {twice}. Rename them.")
    uneven = next((place for place, row in enumerate(rows) if len(row) != len(header)), None)
    if uneven is not None:
        raise Malformed(f"Expected {len(header)} cells in line {uneven + 1} of {path}, got {len(rows[uneven])}.")
    return {name: _parse_cells([row[place] for row in rows[1:]]) for place, name in enumerate(header)}


def _parse_cells(cells: Sequence[str]) -> list[Any]:
    """Whole numbers, else numbers, else truth values, else text; an empty cell is null."""
    present = [cell for cell in cells if cell]
    for parse in (_whole, _number, _truth):
        try:
            return _refill(cells, [parse(cell) for cell in present])
        except ValueError:
            continue
    return [cell or None for cell in cells]


def _truth(cell: str) -> bool:
    if cell not in ("true", "True", "false", "False"):
        raise ValueError(cell)
    return cell in ("true", "True")


def _whole(cell: str) -> int:
    number = int(cell)
    if str(number) != cell.lstrip("+") or abs(number) >= 2**63:
        raise ValueError(cell)
    return number


def _number(cell: str) -> float:
    if not DECIMAL.fullmatch(cell):
        raise ValueError(cell)
    return float(cell)


def _refill(cells: Sequence[str], parsed: Sequence[Any]) -> list[Any]:
    values = iter(parsed)
    return [next(values) if cell else None for cell in cells]


def _read_json(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix.lower() != ".json":
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        content = json.loads(text)
    except ValueError as error:
        raise Malformed(f"{path} is not JSON: {error}.") from error
    if isinstance(content, dict):
        return content.get("rows", content.get("columns", content))
    return content


def _read_arrays(path: Path) -> Any:
    """The array of a `.npy` file, or a column for each array of a `.npz` file; objects would be pickles."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            return dict(content) if isinstance(content, Mapping) else content
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Malformed(f"{path} does not hold arrays of numbers or text: {error}.") from error


def _read_columnar(path: Path, reader: str) -> Any:
    """By PyArrow or Polars, whichever is there."""
    if importlib.util.find_spec("pyarrow"):
        from pyarrow import feather, parquet

        return parquet.read_table(path) if reader == "read_parquet" else feather.read_table(path)
    try:
        import polars
    except ImportError as error:
        raise UnsupportedType(f"Reading {path} needs pyarrow or polars: `pip install pyarrow`.") from error
    return getattr(polars, reader)(path)
