"""Every metric against scikit-learn's."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as reference

from headgate.statistics import metrics

SIZES = st.integers(min_value=2, max_value=40)
LABELS = st.integers(min_value=0, max_value=3)


@st.composite
def labelled(draw: Any) -> tuple[Any, Any]:
    size = draw(SIZES)
    return draw(arrays.arrays(np.int64, size, elements=LABELS)), draw(arrays.arrays(np.int64, size, elements=LABELS))


@st.composite
def numbered(draw: Any) -> tuple[Any, Any]:
    size = draw(SIZES)
    numbers = st.floats(min_value=-1e6, max_value=1e6)
    return draw(arrays.arrays(np.float64, size, elements=numbers)), draw(
        arrays.arrays(np.float64, size, elements=numbers)
    )


@given(labelled())
@settings(deadline=None, max_examples=60)
def test_label_metrics_are_scikit_learns(pair: tuple[Any, Any]) -> None:
    truth, predictions = pair
    assert metrics.accuracy(truth, predictions) == pytest.approx(reference.accuracy_score(truth, predictions))
    assert metrics.f1_macro(truth, predictions) == pytest.approx(
        reference.f1_score(truth, predictions, average="macro", zero_division=0)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # predicted classes that are not in the truth
        expected = reference.balanced_accuracy_score(truth, predictions)
    assert metrics.balanced_accuracy(truth, predictions) == pytest.approx(expected)


@given(labelled(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_probability_metrics_are_scikit_learns(pair: tuple[Any, Any], random: Any) -> None:
    truth, _ = pair
    classes = np.unique(truth)
    assume(len(classes) > 1)
    # few distinct values, so that there are ties
    raw = np.array([[random.choice([0.1, 0.2, 0.5, 1.0]) for _ in classes] for _ in truth])
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    found = metrics.classification_metrics(truth, truth, probabilities, classes.tolist())
    assert found["log_loss"] == pytest.approx(reference.log_loss(truth, probabilities, labels=classes))
    if len(classes) == 2:
        expected = reference.roc_auc_score(truth, probabilities[:, 1])
    else:
        expected = reference.roc_auc_score(truth, probabilities, multi_class="ovr")
    assert found["roc_auc"] == pytest.approx(expected)


@given(numbered())
@settings(deadline=None, max_examples=60)
def test_number_metrics_are_scikit_learns(pair: tuple[Any, Any]) -> None:
    truth, predictions = pair
    spread = float(np.sum((truth - truth.mean()) ** 2))
    # below, both are differences of rounding errors
    assume(spread == 0 or spread > 1e-6)
    found = metrics.regression_metrics(truth, predictions)
    assert found["mae"] == pytest.approx(reference.mean_absolute_error(truth, predictions))
    assert found["rmse"] == pytest.approx(reference.root_mean_squared_error(truth, predictions))
    assert found["r2"] == pytest.approx(reference.r2_score(truth, predictions), rel=1e-6)


def test_several_outputs_are_averaged() -> None:
    truth = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]])
    predictions = np.array([[1.5, 11.0], [2.0, 29.0], [2.0, 25.0]])
    found = metrics.regression_metrics(truth, predictions)
    assert found["rmse"] == pytest.approx(reference.root_mean_squared_error(truth, predictions))
    assert found["r2"] == pytest.approx(reference.r2_score(truth, predictions))


def test_what_is_not_defined_is_left_out() -> None:
    chances = np.array([[0.9, 0.1], [0.2, 0.8]])
    one_class = metrics.classification_metrics(np.array([0, 0]), np.array([0, 1]), chances, [0, 1])
    assert set(one_class) == {"accuracy", "balanced_accuracy", "f1_macro", "log_loss"}
    unknown = metrics.classification_metrics(np.array([0, 7]), np.array([0, 1]), chances, [0, 1])
    assert set(unknown) == {"accuracy", "balanced_accuracy", "f1_macro"}
    assert set(metrics.classification_metrics(np.array(["a"]), np.array(["a"]), None, ["a"])) == set(unknown)
