"""How good the model is on rows that it has not seen."""

from typing import Any

import numpy as np

from headgate.errors import SignatureMismatch
from headgate.packaging.facts import plain_classes
from headgate.records import Task
from headgate.runtimes.batch import Array
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES
from headgate.statistics.metrics import classification_metrics, regression_metrics
from headgate.statistics.profile import missing


def holdout_metrics(task: Task, outputs: Outputs, truth: Array, classes: tuple[Any, ...]) -> dict[str, float]:
    """Metrics by name, to 12 digits; none for other tasks. Raises `SignatureMismatch` for a target that fits not."""
    predictions = outputs[PREDICTIONS]
    if len(truth) != len(predictions):
        raise SignatureMismatch(
            f"Expected one target value per holdout row, got {len(truth)} for {len(predictions)} rows."
        )
    if truth.ndim == 1 and missing(truth).any():
        raise SignatureMismatch(
            f"Expected a target in every holdout row, got {int(missing(truth).sum())} missing: drop those rows."
        )
    if task == "classification" and predictions.ndim == 1:
        found = classification_metrics(*_alike(truth, predictions), outputs.get(PROBABILITIES), classes)
    elif task == "regression":
        found = regression_metrics(_numbers(truth).reshape(predictions.shape), predictions)
    else:
        return {}
    return {name: float(f"{value:.12g}") for name, value in found.items()}


def _alike(truth: Array, predictions: Array) -> tuple[Array, Array]:
    """Labels of both as one kind of array; a target of no known class is a mistake, not a wrong prediction."""
    if (truth.dtype.kind == "O") != (predictions.dtype.kind == "O"):
        raise SignatureMismatch(
            f"Expected a target of labels like {plain_classes(list(predictions[:1]))[0]!r}, "
            f"got {plain_classes(list(truth[:1]))[0]!r}: give the target that the model was trained on."
        )
    if truth.dtype.kind == "O":
        return truth.astype(str), predictions.astype(str)
    return truth, predictions


def _numbers(truth: Array) -> Array:
    if truth.dtype.kind not in "biuf":
        raise SignatureMismatch(f"Expected numbers as the target of a regression, got values of {truth.dtype}.")
    return np.asarray(truth, dtype=np.float64)
