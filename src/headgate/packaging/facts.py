"""What a model says of itself: its inputs, its task, its classes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from headgate.errors import Malformed, SignatureMismatch
from headgate.packaging import networks, transformer_folders
from headgate.packaging.boosters import BOOSTERS
from headgate.packaging.recognise import Recognised, is_estimator
from headgate.packaging.transformer_folders import TEXT
from headgate.records import Category, Column, Dtype, Task
from headgate.runtimes.batch import Array
from headgate.runtimes.boosted import Description
from headgate.runtimes.onnx import DTYPES
from headgate.runtimes.onnx_session import open_session
from headgate.runtimes.pmml import fields_of, read_pmml

TASKS: tuple[Task, ...] = get_args(Task)
LABELS = ("predictions", "label", "output_label", "labels")


@dataclass(frozen=True)
class Facts:
    """What can be known without data."""

    columns: tuple[Column, ...] = ()  # the features, as far as the model tells; empty where it does not
    named: bool = False  # whether the model knows its features by name
    task: Task | None = None
    classes: tuple[Category | float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def facts_of(recognised: Recognised, folder: Path) -> Facts:
    """Ask the model, or the file that describes it."""
    if recognised.framework in DESCRIBED_BY:
        return DESCRIBED_BY[recognised.framework](recognised, folder)
    model = recognised.model
    if recognised.framework in BOOSTERS:
        return _booster_facts(BOOSTERS[recognised.framework].describe(model))
    classes = _classes(model)
    if not is_estimator(model):
        task: Task | None = "classification" if classes or hasattr(model, "predict_proba") else None
        return Facts(_features(model), _is_named(model), task, classes)
    return Facts(_features(model), _is_named(model), _estimator_task(model), classes)


def _network_facts(recognised: Recognised, folder: Path) -> Facts:
    columns = networks.network_columns(folder / recognised.file, recognised.options, recognised.trusted)
    return Facts(columns, bool(columns) and all(column.shape for column in columns))


def _transformer_facts(_recognised: Recognised, folder: Path) -> Facts:
    return Facts((TEXT,), False, transformer_folders.task_in(folder), transformer_folders.classes_of(folder))


def _pmml_facts(recognised: Recognised, folder: Path) -> Facts:
    content = (folder / recognised.file).read_bytes()
    classes = _classes(read_pmml(content))
    fields, task = fields_of(content)
    columns = tuple(Column(name=each.name, dtype=each.dtype, categories=each.levels or None) for each in fields)
    return Facts(columns, True, task, classes if task == "classification" else ())


def read_task(given: str | None, facts: Facts, truth: Array | None) -> Task:
    """The task that was given, or the model's own, or what the target looks like; raises `Malformed`."""
    if given is not None:
        for task in TASKS:
            if task == given:
                return task
        raise Malformed(f"Expected a task of {', '.join(TASKS)}, got {given!r}.")
    if facts.task:
        return facts.task
    if truth is None:
        return "other"
    return "regression" if truth.dtype.kind == "f" else "classification"


def plain_classes(classes: Sequence[Any]) -> tuple[Category | float, ...]:
    """Classes as Python values; whole numbers stay floats when the model answers floats."""
    return tuple(label.item() if isinstance(label, np.generic) else label for label in classes)


def _booster_facts(told: Description) -> Facts:
    columns = tuple(_booster_column(name, known) for name, known in zip(told.names, told.levels, strict=True))
    return Facts(columns, told.named, told.task, plain_classes(told.classes))


def _booster_column(name: str, known: tuple[Any, ...] | None) -> Column:
    if known is None:
        return Column(name=name, dtype="float64", nullable=True)
    if not known:
        return Column(name=name, dtype="string")
    return _feature(name, list(known), True)


def _classes(model: Any) -> tuple[Category | float, ...]:
    classes = getattr(model, "classes_", None)
    if classes is None or isinstance(classes, list) and classes and isinstance(classes[0], np.ndarray):
        return ()
    plain = plain_classes(list(classes))
    return tuple(label if isinstance(label, bool | int | float) else str(label) for label in plain)


def _estimator_task(model: Any) -> Task:
    from sklearn.base import is_classifier, is_clusterer, is_regressor

    if not hasattr(model, "predict"):
        return "transformation"
    for told, task in ((is_classifier, "classification"), (is_regressor, "regression"), (is_clusterer, "clustering")):
        if told(model):
            return task  # type: ignore[return-value]  # mypy reads the tuple's words as str
    return "other"


def _is_named(model: Any) -> bool:
    return getattr(model, "feature_names_in_", None) is not None


def _features(model: Any) -> tuple[Column, ...]:
    names = getattr(model, "feature_names_in_", None)
    count = getattr(model, "n_features_in_", None)
    if names is None and count is None:
        return ()
    chosen = [str(name) for name in names] if names is not None else [f"x{place}" for place in range(int(count or 0))]
    missing = _accepts_missing(model)
    levels = dict(_levels(model, chosen))
    return tuple(_feature(name, levels.get(name), missing) for name in chosen)


def _feature(name: str, levels: list[Any] | None, missing: bool) -> Column:
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


def _onnx_facts(recognised: Recognised, folder: Path) -> Facts:
    path = folder / recognised.file
    session = open_session(path.read_bytes())
    inputs, outputs = session.get_inputs(), session.get_outputs()
    for given in inputs:
        if given.type not in DTYPES:
            raise SignatureMismatch(f"{path.name} takes {given.name!r} as {given.type}, which is no column or matrix.")
    kinds = {output.name: output.type for output in outputs}
    named = any(name in LABELS for name in kinds) or "probabilities" in kinds
    discrete = any(kind in ("tensor(int64)", "tensor(string)") for kind in kinds.values())
    task: Task = "classification" if discrete and (named or len(kinds) > 1) else "regression"
    return Facts(tuple(_onnx_columns(inputs)), not _is_matrix(inputs), task)


def _is_matrix(inputs: Sequence[Any]) -> bool:
    return len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] != 1


def _onnx_columns(inputs: Sequence[Any]) -> Iterator[Column]:
    if _is_matrix(inputs):
        width = inputs[0].shape[1]
        dtype = _dtype(inputs[0])
        yield from (Column(name=f"x{place}", dtype=dtype) for place in range(width if isinstance(width, int) else 0))
        return
    for given in inputs:
        sizes = [size if isinstance(size, int) else -1 for size in given.shape[1:]]
        yield Column(name=given.name, dtype=_dtype(given), shape=() if sizes in ([], [1]) else tuple(sizes))


def _dtype(given: Any) -> Dtype:
    name = DTYPES[given.type].name
    plain: Dtype = "string" if name == "object" else "float32" if name == "float16" else name  # type: ignore[assignment]  # all other names are dtypes of ours
    return plain


# frameworks whose file says what there is to know, whatever has been loaded of it
DESCRIBED_BY: dict[str, Callable[[Recognised, Path], Facts]] = {
    "onnx": _onnx_facts,
    "pmml": _pmml_facts,
    networks.FRAMEWORK: _network_facts,
    networks.KERAS: _network_facts,
    transformer_folders.FRAMEWORK: _transformer_facts,
}
