"""scikit-learn: estimators and pipelines, which come in pickles."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from headgate.errors import Malformed
from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.attributes import classes_of, features_of, is_estimator, is_named
from headgate.packaging.frameworks.distributions import version_of
from headgate.packaging.frameworks.framework import Compiling, Framework, Kept, Needs, Objects, Trust
from headgate.packaging.frameworks.pickles import open_pickle
from headgate.records import Column, Task

FILE = "model.joblib"
MATRIX = ("matrix", "split", "matrix32", "split32")
COLUMNS = ("columns", "whole", "columns32")


def _keep(model: Any, folder: Path, trust: Trust) -> Kept:
    _require_fitted(model)
    dump_estimator(model, folder / FILE)
    return _unpickled(open_pickle(folder / FILE, trust))


def _unpickled(kept: Kept) -> Kept:
    _require_fitted(kept.model)
    return kept


def _require_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise Malformed(f"Expected a fitted estimator, got {model!r} before fit: call fit(X, y) first.") from error
    except TypeError as error:
        raise Malformed(f"Expected a fitted estimator, got {model!r}: {error}") from error


def dump_estimator(model: Any, path: Path) -> None:
    """What `joblib.dump` writes, with the gaps in arrays of records blank: they hold whatever memory held before."""
    from joblib.numpy_pickle import NumpyPickler

    class BlankGaps(NumpyPickler):  # type: ignore[misc]  # joblib ships no types
        def __init__(self, file: Any) -> None:
            super().__init__(file)
            self.blanked: dict[int, tuple[Any, Any]] = {}

        def save(self, obj: Any) -> Any:
            if type(obj) is np.ndarray and obj.dtype.names and not obj.dtype.hasobject:
                # the original is kept too, so that its id stays its own
                obj = self.blanked.setdefault(id(obj), (obj, _blank(obj)))[1]
            return super().save(obj)

    with path.open("wb") as file:
        BlankGaps(file).dump(model)


def _blank(records: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    clean = np.zeros(records.shape, records.dtype)
    for name in records.dtype.names or ():
        clean[name] = records[name]
    return clean


def _facts(kept: Kept, _folder: Path) -> Facts:
    model = kept.model
    return Facts(features_of(model), is_named(model), _task_of(model), classes_of(model))


def _task_of(model: Any) -> Task:
    from sklearn.base import is_classifier, is_clusterer, is_regressor

    if not hasattr(model, "predict"):
        return "transformation"
    for told, task in ((is_classifier, "classification"), (is_regressor, "regression"), (is_clusterer, "clustering")):
        if told(model):
            return task  # type: ignore[return-value]  # mypy reads the tuple's words as str
    return "other"


def _layouts(features: Sequence[Column]) -> tuple[str, ...]:
    numbers = all(column.dtype not in ("string", "bytes", "datetime") and not column.shape for column in features)
    if numbers:
        return MATRIX
    fits = all(column.dtype not in ("bytes", "datetime") and not column.shape for column in features)
    return COLUMNS if fits else ()


SCIKIT_LEARN = Framework(
    name="scikit-learn",
    runtime="sklearn",
    version=partial(version_of, "scikit-learn"),
    facts=_facts,
    compiling=Compiling("headgate.packaging.estimator_converter:convert_estimator", _layouts),
    needs=Needs(("scikit-learn",)),
    objects=Objects(is_estimator, _keep, _unpickled),
)
