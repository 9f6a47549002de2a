"""Where a model comes from."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from headgate.packaging.lineage import digest_of_table, trace
from headgate.packaging.table import Table, read_table


def test_the_commit_around_the_model_is_kept(tmp_path: Path) -> None:
    assert trace(None, None, "", tmp_path).git_commit == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert trace(None, None, "", tmp_path).git_commit == ""
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert trace(None, None, "", tmp_path).git_commit == commit
    assert trace({"git_commit": "abc"}, None, "", tmp_path).git_commit == "abc"


def test_what_is_given_wins(tmp_path: Path) -> None:
    table = read_table({"a": [1, 2]})
    seen = trace({"trained_at": "2026-01-01", "parent_run": "r7"}, table, "rows.csv", tmp_path)
    assert (seen.trained_at, seen.parent_run, seen.data_rows, seen.data_source) == ("2026-01-01", "r7", 2, "rows.csv")
    assert seen.data_digest.startswith("sha256:")
    assert trace({"data_source": "lake"}, table, "rows.csv", tmp_path).data_source == "lake"


@pytest.mark.parametrize(
    "other",
    [
        {"a": [1.0, 2.0], "b": ["x", None]},
        {"a": [1, 3], "b": ["x", None]},
        {"a": [1, 2], "b": ["x", "None"]},
        {"a": [1, 2], "c": ["x", None]},
        {"b": ["x", None], "a": [1, 2]},
        {"a": [1, 2, 3], "b": ["x", None, "y"]},
    ],
)
def test_other_data_has_another_digest(other: dict[str, list[object]]) -> None:
    table = read_table({"a": [1, 2], "b": ["x", None]})
    assert digest_of_table(table) == digest_of_table(read_table({"a": np.array([1, 2]), "b": ["x", None]}))
    assert digest_of_table(table) != digest_of_table(read_table(other))


def test_one_nan_and_one_zero() -> None:
    payload = np.array([np.uint64(0x7FF8000000000001), np.uint64(0x8000000000000000)]).view(np.float64)
    assert digest_of_table(Table({"a": payload})) == digest_of_table(Table({"a": np.array([np.nan, 0.0])}))
