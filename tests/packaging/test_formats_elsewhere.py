"""Formats that are converted elsewhere are refused with the way round."""

from pathlib import Path

import pytest

import headgate
from headgate.errors import UnsupportedType


def test_a_saved_model_is_converted_first(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(UnsupportedType, match=r"tf2onnx\.convert --saved-model .*saved --output model\.onnx"):
        headgate.package(tmp_path / "saved", name="m", output=tmp_path / "b")


def test_an_old_keras_file_is_saved_again(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF")
    with pytest.raises(UnsupportedType, match=r"model\.save\('model\.keras'\)"):
        headgate.package(tmp_path / "model.h5", name="m", output=tmp_path / "b")
