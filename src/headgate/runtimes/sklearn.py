"""scikit-learn models from joblib, pickle and skops files, loaded through the allow-list.

`predictions` is what `predict` answers (or `transform`, for a model that only transforms), text as objects;
`probabilities` is `predict_proba`, for classifiers that have it.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest
from headgate.errors import EnvironmentMismatch, ModelError
from headgate.records import Column
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.boundary import answering, foreign
from headgate.runtimes.frames import frame_maker, matrix_of
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.skops import SUFFIX, load_skops
from headgate.runtimes.unpickling import unpickle
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

Table = Callable[[Batch], Any]
Answer = Callable[[Any], Outputs]
# classifiers whose predict is the class of the highest predict_proba, word for word: one pass answers both
ONE_PASS = {
    "sklearn.ensemble._forest.RandomForestClassifier", "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._bagging.BaggingClassifier", "sklearn.calibration.CalibratedClassifierCV",
}  # fmt: skip
VECTORIZERS = {"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"}


class SklearnModel:
    """A fitted estimator that answers batches."""

    device = "cpu"

    def __init__(self, estimator: Any, table: Table, answer: Answer) -> None:
        self.estimator = estimator
        self._table = table
        self._answer = answer

    @answering()
    def predict(self, batch: Batch) -> Outputs:
        """Answer every row; raises `ModelError` with scikit-learn's reason."""
        return self._answer(self._table(batch))

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """One part."""
        yield self.predict(batch)

    def close(self) -> None:
        """Nothing is held beyond the estimator's memory."""


class SklearnRuntime:
    """Loads scikit-learn estimators."""

    name = "sklearn"
    preload: tuple[str, ...] = (
        "numpy", "scipy.sparse", "pandas", "joblib", "sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline",
        "sklearn.compose", "sklearn.preprocessing", "sklearn.impute", "sklearn.tree", "sklearn.svm",
        "sklearn.neighbors", "sklearn.neural_network",
    )  # fmt: skip

    def load(self, folder: Path, manifest: Manifest, form: str) -> SklearnModel:
        """Load one form.

        Raises `Untrusted` for a global that is neither allowed nor trusted, `EnvironmentMismatch` for an estimator of
        another scikit-learn, `ModelError` for anything else that keeps it from loading.
        """
        path = manifest.forms[form].path
        content = verified_bytes(folder, manifest, path)
        estimator = load_estimator(content, manifest.trusted_code, path)
        return wrap_estimator(estimator, manifest)


def load_estimator(content: bytes, trusted: Sequence[str] = (), name: str = "") -> Any:
    """The estimator in a file's bytes, a skops file where its name says so; raises as `SklearnRuntime.load` does."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = load_skops(content, trusted) if name.endswith(SUFFIX) else unpickle(content, trusted)
    for warning in caught:
        if warning.category.__name__ == "InconsistentVersionWarning":
            _check_version(warning.message)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return estimator


def wrap_estimator(estimator: Any, manifest: Manifest) -> SklearnModel:
    """The estimator as a model that takes the manifest's features."""
    if not any(hasattr(estimator, method) for method in ("predict", "transform")):
        raise ModelError(f"Expected a model with predict or transform, got a {type(estimator).__name__}.")
    with foreign("The model cannot be set up"):
        _use_one_thread(estimator)
        table = _plan_table(estimator, manifest.signature.features)
        return SklearnModel(estimator, table, _plan_answer(estimator, manifest))


def _check_version(warning: Any) -> None:
    """Pickles are read by the scikit-learn that wrote them, patch releases apart."""
    trained, here = str(warning.original_sklearn_version), str(warning.current_sklearn_version)
    if _minor(trained) != _minor(here):
        raise EnvironmentMismatch(
            f"{warning.estimator_name} was saved by scikit-learn {trained}, here is {here}. "
            f"Install scikit-learn=={trained} or save the model again with {here}."
        )


def _minor(version: str) -> str:
    found = re.match(r"\d+\.\d+", version)
    return found.group() if found else version


def _use_one_thread(estimator: Any) -> None:
    """Requests are spread over processes: threads inside of one request only get in each other's way."""
    if hasattr(estimator, "get_params"):
        chosen = estimator.get_params(deep=True)
        many = [name for name, value in chosen.items() if name.split("__")[-1] == "n_jobs" and value not in (None, 1)]
        if many:
            estimator.set_params(**dict.fromkeys(many, 1))


def _plan_table(estimator: Any, features: Sequence[Column]) -> Table:
    """A frame for what was fitted on one, the texts alone for a vectoriser, else a matrix."""
    if getattr(estimator, "feature_names_in_", None) is not None:
        return frame_maker(features, frozenset(_columns_with_none(estimator, features)))
    if len(features) == 1 and type(_first_step(estimator)).__name__ in VECTORIZERS:
        return lambda batch: batch.columns[features[0].name]
    return matrix_of


def _columns_with_none(estimator: Any, features: Sequence[Column]) -> Iterator[str]:
    """Columns whose encoder was fitted with None for missing text: to it, NaN is a level that it never saw."""
    names = [column.name for column in features]
    first = _first_step(estimator)
    placed = [(first, names)]
    placed += [(part, _named(columns, names)) for _, part, columns in getattr(first, "transformers_", ())]
    for part, columns in placed:
        steps = [step for _, step in part.steps] if hasattr(part, "steps") else [part]
        known = next((step.categories_ for step in steps if hasattr(step, "categories_")), ())
        if len(known) == len(columns):
            yield from (name for name, levels in zip(columns, known, strict=True) if any(x is None for x in levels))


def _named(columns: Any, names: list[str]) -> list[str]:
    """The names of a transformer's columns, where they are told by name or by place."""
    told = [columns] if isinstance(columns, str) else list(columns) if not isinstance(columns, slice) else []
    return [name if isinstance(name, str) else names[int(name)] for name in told if not isinstance(name, bool)]


def _first_step(estimator: Any) -> Any:
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif getattr(estimator, "steps", None):
            estimator = estimator.steps[0][1]
        else:
            return estimator


def _plan_answer(estimator: Any, manifest: Manifest) -> Answer:
    if not hasattr(estimator, "predict"):
        return lambda table: {PREDICTIONS: _plain(estimator.transform(table))}
    if manifest.task != "classification" or not hasattr(estimator, "predict_proba"):
        return lambda table: {PREDICTIONS: _plain(estimator.predict(table))}
    if _answers_in_one_pass(estimator):
        classes = _plain(estimator.classes_)

        def answer_once(table: Any) -> Outputs:
            chances = _plain(estimator.predict_proba(table))
            return {PREDICTIONS: classes.take(chances.argmax(axis=1)), PROBABILITIES: chances}

        return answer_once

    def answer(table: Any) -> Outputs:
        labels, chances = _plain(estimator.predict(table)), estimator.predict_proba(table)
        # one matrix per target where there are several targets
        return {PREDICTIONS: labels} | ({} if isinstance(chances, list) else {PROBABILITIES: _plain(chances)})

    return answer


def _answers_in_one_pass(estimator: Any) -> bool:
    final = estimator
    while hasattr(final, "best_estimator_") or getattr(final, "steps", None):
        final = final.best_estimator_ if hasattr(final, "best_estimator_") else final.steps[-1][1]
    kind = f"{type(final).__module__}.{type(final).__name__}"
    return kind in ONE_PASS and isinstance(getattr(final, "classes_", None), np.ndarray)


def _plain(answer: Any) -> Array:
    """A dense array with text as objects."""
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    array = np.asarray(answer)
    return array.astype(object) if array.dtype.kind in "US" else array
