"""A scanner's word is shown and decides nothing."""

import importlib.util
import os
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from headgate.packaging.scanning import scan


class Harm:
    def __reduce__(self) -> Any:
        return os.system, ("touch /nowhere/canary",)


def test_a_scanner_gives_a_hint(tmp_path: Path) -> None:
    harmful, plain, other = tmp_path / "a.pkl", tmp_path / "b.joblib", tmp_path / "c.onnx"
    harmful.write_bytes(pickle.dumps(Harm()))
    joblib.dump({"a": 1}, plain)
    other.write_bytes(harmful.read_bytes())
    assert scan(harmful) == "picklescan warns of posix.system"
    assert scan(plain) == "picklescan finds nothing dangerous"
    assert scan(other) == ""


def test_what_a_scanner_cannot_read_is_said(tmp_path: Path) -> None:
    # joblib keeps the bytes of arrays between the opcodes, which it does not know
    path = tmp_path / "a.joblib"
    joblib.dump(np.arange(200.0), path)
    assert scan(path).startswith("picklescan")
    path.unlink()
    assert scan(path).startswith("picklescan could not read")


def test_without_the_scanner_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(Harm()))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert scan(path) == ""
