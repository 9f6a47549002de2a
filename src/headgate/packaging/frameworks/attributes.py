"""What an object says of itself by scikit-learn's attributes: estimators do, and many objects that are none."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headgate.packaging.facts import plain_classes
from headgate.records import Category, Column, Dtype


def is_estimator(model: Any) -> bool:
    """Whether it is a scikit-learn estimator; imports nothing."""
    module = sys.modules.get("sklearn.base")
    return module is not None and isinstance(model, module.BaseEstimator)


def classes_of(model: Any) -> tuple[Category | float, ...]:
    """The classes of a classifier with one target, none for another model."""
    classes = getattr(model, "classes_", None)
    if classes is None or isinstance(classes, list) and classes and isinstance(classes[0], np.ndarray):
        return ()
    plain = plain_classes(list(classes))
    return tuple(label if isinstance(label, bool | int | float) else str(label) for label in plain)


def is_named(model: Any) -> bool:
    """Whether the model knows its features by name."""
    return getattr(model, "feature_names_in_", None) is not None


def features_of(model: Any) -> tuple[Column, ...]:
    """The features with the levels that its encoders know; none where it does not say them."""
    names = getattr(model, "feature_names_in_", None)
    count = getattr(model, "n_features_in_", None)
    if names is None and count is None:
        return ()
    chosen = [str(name) for name in names] if names is not None else [f"x{place}" for place in range(int(count or 0))]
    missing = _accepts_missing(model)
    levels = dict(_levels(model, chosen))
    return tuple(feature(name, levels.get(name), missing) for name in chosen)


def feature(name: str, levels: list[Any] | None, missing: bool) -> Column:
    """A number, or one of the levels."""
    if not levels:
        return Column(name=name, dtype="float64", nullable=missing)
    present = [level for level in levels if level is not None and level == level]
    dtype: Dtype = "string" if isinstance(present[0], str) else "int64" if isinstance(present[0], int) else "float64"
    categories = tuple(sorted(present)) if dtype != "float64" else None
    return Column(name=name, dtype=dtype, nullable=missing or len(present) < len(levels), categories=categories)


def _accepts_missing(model: Any) -> bool:
    if not is_estimator(model):
        return False
    from sklearn.utils import get_tags

    return bool(get_tags(model).input_tags.allow_nan)


def _levels(model: Any, names: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """Column → the levels that the first encoder on its way knows."""
    first = model
    while hasattr(first, "best_estimator_") or getattr(first, "steps", None):
        first = first.best_estimator_ if hasattr(first, "best_estimator_") else first.steps[0][1]
    yield from _levels_of(first, names)
    for _, transformer, columns in getattr(first, "transformers_", ()):
        yield from _levels_of(transformer, _columns(columns, names))


def _levels_of(transformer: Any, names: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    encoder = next((step for step in _chain(transformer) if hasattr(step, "categories_")), None)
    if encoder is not None and len(encoder.categories_) == len(names):
        yield from zip(names, (levels.tolist() for levels in encoder.categories_), strict=True)


def _chain(transformer: Any) -> list[Any]:
    return [step for _, step in transformer.steps] if hasattr(transformer, "steps") else [transformer]


def _columns(columns: Any, names: Sequence[str]) -> list[str]:
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return list(names)[columns] if not isinstance(columns.start or columns.stop, str) else []
    found = np.asarray(columns)
    if found.dtype.kind in "OUT":
        return [str(name) for name in found]
    places = np.flatnonzero(found) if found.dtype.kind == "b" else found
    return [names[int(place)] for place in places]
