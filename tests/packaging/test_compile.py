"""The converter's process, and what becomes of its failures."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from tests.packaging.estimators import forest, iris

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.packaging import compile as compiling
from headgate.packaging import package as module
from headgate.packaging.compile import Converter, tidy_reason
from headgate.packaging.parity import agrees, compare_outputs, reason_against
from headgate.packaging.request import Request
from headgate.records import Column, Signature


def request(tmp_path: Path, **changes: Any) -> Request:
    joblib.dump(forest(2).fit(*iris()), tmp_path / "model.joblib")
    manifest = Manifest(
        name="m",
        framework="scikit-learn",
        task="classification",
        signature=Signature(inputs=tuple(Column(name=f"x{place}", dtype="float64") for place in range(4))),
        forms={"native": Form(runtime="sklearn", path="model.joblib")},
        serves="native",
        environment=Environment(python="3.11", packages={}),
        files={},
    )
    fields: dict[str, Any] = {
        "manifest": manifest,
        "form": "native",
        "folder": str(tmp_path),
        "target": str(tmp_path / "model.onnx"),
        "layout": "matrix",
        "outputs": ("predictions", "probabilities"),
    }
    return Request(**(fields | changes))


def test_the_same_request_gives_the_same_bytes(converter: Converter, tmp_path: Path) -> None:
    asked = request(tmp_path)
    assert converter.convert(asked).refused == ""
    first = (tmp_path / "model.onnx").read_bytes()
    assert converter.convert(asked).refused == ""
    assert (tmp_path / "model.onnx").read_bytes() == first


def test_one_refusal_does_not_end_the_converter(converter: Converter, tmp_path: Path) -> None:
    asked = request(tmp_path)
    assert "FileNotFoundError" in converter.convert(request(tmp_path, folder="/nowhere")).refused
    assert converter.convert(asked).refused == ""


def test_a_conversion_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    started = Converter()
    try:
        assert started.convert(request(tmp_path), deadline=0.0).refused == "the conversion took longer than 0 s"
        # it was ended, and says so from then on
        assert started.convert(request(tmp_path)).refused == "the conversion took longer than 0 s"
    finally:
        started.close()


def test_a_converter_that_dies_is_a_refusal(package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started = Converter()
    started._process.kill()
    monkeypatch.setattr(module, "starting", lambda wanted: nullcontext(started))
    manifest = package(forest(2).fit(*iris())).manifest
    assert manifest.serves == "native"
    assert manifest.forms["onnx"].refused == "it cannot be converted, the converter ended: exit status -9"
    assert "exit status -9" in manifest.serves_because


def test_the_original_serves_where_it_is_clearly_faster(package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = forest(2).fit(*iris())
    monkeypatch.setattr(compiling, "_seconds", lambda form, rows: 1.0 if hasattr(form.model, "estimator") else 3.0)
    manifest = package(model).manifest
    assert manifest.serves == "native"
    assert manifest.serves_because == "The original is faster than its compiled form, which agrees with it."
    assert manifest.forms["onnx"].refused == ""
    monkeypatch.setattr(compiling, "_seconds", lambda form, rows: 1.0 if hasattr(form.model, "estimator") else 1.9)
    assert package(model).manifest.serves == "onnx"


def test_reasons_are_the_same_everywhere() -> None:
    assert tidy_reason("Bad\n  object at 0x7f3a in /usr/lib/python3/x.py") == "Bad object at 0x… in …"
    assert len(tidy_reason("word " * 200)) == 300


LABELS, CHANCES = np.array([0, 1, 1]), np.array([[1.0, 0.0], [0.4, 0.6], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("compiled", "expected"),
    [
        ({"predictions": LABELS, "probabilities": CHANCES + 1e-7}, ""),
        ({"predictions": np.array([0, 1, 0]), "probabilities": CHANCES}, "answers 1 of 3 compared rows differently"),
        ({"predictions": LABELS, "probabilities": CHANCES + 1e-3}, "off by up to 0.01, tolerance 1e-05"),
        ({"predictions": LABELS, "probabilities": CHANCES * np.nan}, "off by up to"),
        ({"predictions": LABELS}, "answers 3 of 3"),
        ({"predictions": np.array(["0", "1", "1"], dtype=object), "probabilities": CHANCES}, "answers 3 of 3"),
        ({"predictions": LABELS.reshape(3, 1), "probabilities": CHANCES}, "answers 3 of 3"),
    ],
)
def test_parity(compiled: dict[str, Any], expected: str) -> None:
    parity = compare_outputs({"predictions": LABELS, "probabilities": CHANCES}, compiled)
    assert agrees(parity) == (not expected)
    if expected:
        assert expected in reason_against(parity)


def test_large_numbers_are_compared_relatively() -> None:
    original = {"predictions": np.array([1e9, np.nan])}
    assert agrees(compare_outputs(original, {"predictions": np.array([1e9 + 100, np.nan])}))
    assert not agrees(compare_outputs(original, {"predictions": np.array([1e9 + 1e5, np.nan])}))
