"""Quality of predictions against the truth, as pure functions on arrays. Definitions are those of scikit-learn 1.9."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def accuracy(truth: Array, predictions: Array) -> float:
    """Share of rows [n] whose label is right."""
    return float(np.mean(truth == predictions))


def balanced_accuracy(truth: Array, predictions: Array) -> float:
    """Mean over the labels in `truth` of the share of their rows that is found."""
    right = truth == predictions
    return float(np.mean([np.mean(right[truth == label]) for label in np.unique(truth)]))


def f1_macro(truth: Array, predictions: Array) -> float:
    """Mean over all labels, in either, of 2·hits / (rows with the label + rows given the label)."""
    scores = []
    for label in np.unique(np.concatenate([truth, predictions])):
        actual, given = truth == label, predictions == label
        scores.append(2.0 * np.sum(actual & given) / (np.sum(actual) + np.sum(given)))
    return float(np.mean(scores))


def log_loss(places: Array, probabilities: Array) -> float:
    """Mean of -ln p of the true class; `places` [n] holds its column in `probabilities` [n, classes]."""
    rows = np.asarray(probabilities, dtype=np.float64)
    tiny = np.finfo(rows.dtype).eps
    chosen = np.clip(rows, tiny, 1 - tiny)[np.arange(len(places)), places]
    return float(-np.mean(np.log(chosen)))


def roc_auc(positive: Array, scores: Array) -> float:
    """Probability that a positive row scores above a negative one, ties counting half (Mann-Whitney's U).

    `positive` [n] is bool and holds both values.
    """
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    hits = int(np.sum(positive))
    misses = len(positive) - hits
    return float((np.sum(ranks[positive]) - hits * (hits + 1) / 2.0) / (hits * misses))


def mean_absolute_error(truth: Array, predictions: Array) -> float:
    """In the target's unit."""
    return float(np.mean(np.abs(truth - predictions)))


def root_mean_squared_error(truth: Array, predictions: Array) -> float:
    """In the target's unit; over several outputs [n, k] the mean of each output's."""
    return float(np.mean(np.sqrt(np.mean((truth - predictions) ** 2, axis=0))))


def r_squared(truth: Array, predictions: Array) -> float:
    """1 - residual / total variation; the mean over outputs. A constant truth scores 1 when met exactly, else 0."""
    residual = np.atleast_1d(np.sum((truth - predictions) ** 2, axis=0))
    total = np.atleast_1d(np.sum((truth - np.mean(truth, axis=0)) ** 2, axis=0))
    constant = total == 0
    scores = 1.0 - residual / np.where(constant, 1.0, total)
    return float(np.mean(np.where(constant, np.where(residual == 0, 1.0, 0.0), scores)))


def classification_metrics(
    truth: Array, predictions: Array, probabilities: Array | None, classes: Sequence[Any]
) -> dict[str, float]:
    """What can be said of a classifier. `classes` orders the columns of `probabilities` [n, classes].

    `log_loss` is left out where a true label is no class, `roc_auc` where a class has no row (or there is only one).
    Over more than two classes `roc_auc` is the mean of one against the rest.
    """
    found = {
        "accuracy": accuracy(truth, predictions),
        "balanced_accuracy": balanced_accuracy(truth, predictions),
        "f1_macro": f1_macro(truth, predictions),
    }
    if probabilities is None or probabilities.ndim != 2 or probabilities.shape[1] != len(classes):
        return found
    order = {label: place for place, label in enumerate(classes)}
    places = np.array([order.get(label, -1) for label in truth.tolist()])
    if np.any(places < 0):
        return found
    found["log_loss"] = log_loss(places, probabilities)
    if len(classes) > 1 and len(np.unique(places)) == len(classes):
        found["roc_auc"] = _area(places, probabilities)
    return found


def _area(places: Array, probabilities: Array) -> float:
    if probabilities.shape[1] == 2:
        return roc_auc(places == 1, probabilities[:, 1])
    return float(np.mean([roc_auc(places == place, scores) for place, scores in enumerate(probabilities.T)]))


def regression_metrics(truth: Array, predictions: Array) -> dict[str, float]:
    """What can be said of a regressor; [n] or [n, outputs]."""
    actual, given = np.asarray(truth, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    return {
        "mae": mean_absolute_error(actual, given),
        "rmse": root_mean_squared_error(actual, given),
        "r2": r_squared(actual, given),
    }
