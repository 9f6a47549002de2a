"""PowerTransformer far from what it was fitted on: the compiled form answers as scikit-learn does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer

from headgate.bundle.bundle import Bundle
from headgate.packaging.native import load_form

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame({"score": 100 * RANDOM.beta(9, 1, 400), "b": RANDOM.normal(size=400)})
LABELS = (FRAME.score + 5 * FRAME.b > 90).astype(int)
FAR = {"score": [1e7, 1e20, -1e20, 50.0, 0.0, 60.0, 99.0], "b": [0.0, 1.0, -1.0, 1e20, -1e20, 0.0, -0.0]}


def ask(bundle: Bundle, form: str, rows: dict[str, list[float]]) -> Any:
    return load_form(bundle.folder, bundle.manifest, form).predict(rows)


def test_a_mistake_of_units_is_answered_as_the_original_does(package: Any) -> None:
    model = make_pipeline(PowerTransformer(), LogisticRegression()).fit(FRAME, LABELS)
    bundle = package(model, data=FRAME, target=LABELS)
    assert bundle.manifest.serves == "onnx"
    compiled, original = ask(bundle, "onnx", FAR), ask(bundle, "native", FAR)
    assert original["predictions"][0] == 1
    assert compiled["predictions"].tolist() == original["predictions"].tolist()
    np.testing.assert_allclose(compiled["probabilities"], original["probabilities"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("lambdas", [(2.0, 0.0), (0.0, 2.0), (6.3, -1.5)])
def test_every_branch(package: Any, lambdas: tuple[float, ...]) -> None:
    model = make_pipeline(PowerTransformer(), Lasso())
    model.fit(FRAME, FRAME.score)
    model[0].lambdas_ = np.array(lambdas)
    bundle = package(model, data=FRAME, target=FRAME.score)
    assert not bundle.manifest.forms["onnx"].refused
    np.testing.assert_allclose(ask(bundle, "onnx", FAR)["predictions"], ask(bundle, "native", FAR)["predictions"])


def test_box_cox_has_no_answer_below_zero(package: Any) -> None:
    frame = FRAME.abs() + 0.1
    model = make_pipeline(PowerTransformer("box-cox", standardize=False), Lasso()).fit(frame, FRAME.score)
    bundle = package(model, data=frame, target=FRAME.score)
    assert not bundle.manifest.forms["onnx"].refused
    rows = {"score": [1e7, 3.0], "b": [1e12, 1e-9]}
    np.testing.assert_allclose(ask(bundle, "onnx", rows)["predictions"], ask(bundle, "native", rows)["predictions"])
    assert np.isnan(ask(bundle, "onnx", {"score": [-1.0], "b": [1.0]})["predictions"]).all()
