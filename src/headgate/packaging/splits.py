"""Rows at the split points of a model's trees, where a rounded threshold changes the answer and data hardly ever is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.packaging.frameworks.registry import read_forest
from headgate.packaging.table import Table
from headgate.runtimes.batch import Array
from headgate.runtimes.forest import Forest

LEAF = -1
DIRECT, SEARCHED = 1_500, 200  # thresholds looked at, of a tree on the columns themselves and behind transformers
HALVINGS = 80
ToInput = Callable[[Table], Any]


@dataclass(frozen=True)
class Splits:
    """Thresholds of trees that stand behind the same transformers."""

    before: tuple[Any, ...]
    features: Array  # [splits] int64: column of what the last transformer gives
    thresholds: Array  # [splits] float64
    single: bool  # the tree compares (float32)x, not x


def find_splits(model: Any) -> list[Splits]:
    """Every tree's thresholds, joined by what stands before the trees."""
    joined: dict[tuple[tuple[int, ...], bool], list[Splits]] = {}
    for found in _walk(model, ()):
        joined.setdefault((tuple(id(step) for step in found.before), found.single), []).append(found)
    return [_join(group) for group in joined.values()]


def known_thresholds(model: Any, names: Sequence[str]) -> dict[str, Array]:
    """Column → thresholds of the trees that look at the columns themselves."""
    known: dict[str, Array] = {}
    for splits in find_splits(model):
        if not splits.before:
            for place in np.unique(splits.features):
                values = splits.thresholds[splits.features == place]
                known[names[place]] = values[np.isfinite(values)]
    return known


def rows_at_splits(groups: Sequence[Splits], base: Table, names: Sequence[str], to_input: ToInput) -> Table | None:
    """Rows of `base`, each with one number moved to, just below or just above a threshold; None where there is none.

    `to_input` gives what the model's first transformer is given.
    """
    moved: list[tuple[int, str, float]] = []
    for splits in groups:
        points = _direct(splits, names) if not splits.before else _searched(splits, base, names, to_input)
        moved += [(row, name, value) for row, (name, value) in enumerate(points) if _movable(base, name)]
    if not moved:
        return None
    rows = base.take([row % base.rows for row, _, _ in moved])
    for place, (_, name, value) in enumerate(moved):
        column = rows.columns[name]
        column[place] = value if column.dtype.kind == "f" else np.floor(value)
    return rows


def _movable(base: Table, name: str) -> bool:
    return name in base.columns and base.columns[name].dtype.kind in "iuf" and base.columns[name].ndim == 1


def _walk(model: Any, before: tuple[Any, ...]) -> Iterator[Splits]:
    forest = read_forest(model)
    if forest is not None:
        yield from _forest(forest, before)
    elif hasattr(model, "best_estimator_"):
        yield from _walk(model.best_estimator_, before)
    elif hasattr(model, "steps"):
        steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
        if steps:
            yield from _walk(steps[-1], (*before, *steps[:-1]))
    elif hasattr(model, "tree_"):
        tree = model.tree_
        inner = tree.children_left != LEAF
        yield Splits(before, tree.feature[inner].astype(np.int64), tree.threshold[inner], True)
    elif hasattr(model, "_predictors"):
        sorter = getattr(model, "_preprocessor", None)
        yield from _boosted(model, before if sorter is None else (*before, sorter))
    else:
        yield from _walk_members(model, before)


def _boosted(model: Any, before: tuple[Any, ...]) -> Iterator[Splits]:
    for predictor in (tree for trees in model._predictors for tree in trees):
        nodes = predictor.nodes[(predictor.nodes["is_leaf"] == 0) & (predictor.nodes["is_categorical"] == 0)]
        yield Splits(before, nodes["feature_idx"].astype(np.int64), nodes["num_threshold"].astype(np.float64), False)


def _forest(forest: Forest, before: tuple[Any, ...]) -> Iterator[Splits]:
    for tree in forest.trees:
        numeric = np.array([node for node in tree.inner if node not in tree.codes], dtype=np.int64)
        yield Splits(before, tree.features[numeric], tree.thresholds[numeric], forest.single)


def _walk_members(model: Any, before: tuple[Any, ...]) -> Iterator[Splits]:
    members = getattr(model, "estimators_", None)
    chosen = getattr(model, "estimators_features_", None)
    for place, member in enumerate(np.ravel(np.array(members, dtype=object)) if members is not None else ()):
        for found in _walk(member, before) if not isinstance(member, str) else ():
            if chosen is not None and not found.before:
                found = Splits(before, np.asarray(chosen[place])[found.features], found.thresholds, found.single)
            yield found
    for calibrated in getattr(model, "calibrated_classifiers_", ()):
        yield from _walk(calibrated.estimator, before)


def _join(group: Sequence[Splits]) -> Splits:
    pairs = np.unique(
        np.column_stack([np.concatenate([s.features for s in group]), np.concatenate([s.thresholds for s in group])]),
        axis=0,
    )
    pairs = pairs[np.isfinite(pairs[:, 1])]
    return Splits(group[0].before, pairs[:, 0].astype(np.int64), pairs[:, 1], group[0].single)


def _sample(splits: Splits, limit: int) -> tuple[Array, Array]:
    count = len(splits.features)
    places = np.unique(np.linspace(0, max(count - 1, 0), min(limit, count)).astype(np.int64))
    return splits.features[places], splits.thresholds[places]


def _direct(splits: Splits, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    features, thresholds = _sample(splits, DIRECT)
    for feature, threshold in zip(features, thresholds, strict=True):
        for value in around(float(threshold)):
            yield names[feature], value


def around(threshold: float) -> list[float]:
    """The threshold, its float32, the doubles and float32s beside them, and where a float32 cast changes over."""
    with np.errstate(over="ignore"):
        single = np.float32(threshold)
        singles = [single, np.nextafter(single, np.float32(-np.inf)), np.nextafter(single, np.float32(np.inf))]
    edges = [threshold, float(single), *((float(single) + float(other)) / 2 for other in singles[1:])]
    values = {float(value) for value in singles}
    for edge in edges:
        values |= {edge, float(np.nextafter(edge, -np.inf)), float(np.nextafter(edge, np.inf))}
    return sorted(value for value in values if np.isfinite(value))


def _searched(splits: Splits, base: Table, names: Sequence[str], to_input: ToInput) -> Iterator[tuple[str, float]]:
    """Behind transformers: halve the way between two values of a column until the split lies between neighbours."""
    features, thresholds = _sample(splits, SEARCHED)
    movable = [name for name in names if _movable(base, name)]
    if not len(features) or not movable:
        return

    transform = _transformer(splits, to_input)
    sources = _sources(base, movable, transform)
    pairs = [(name, f, t) for f, t in zip(features, thresholds, strict=True) for name in sources.get(int(f), ())[:1]]
    if not pairs:
        return
    for (name, _, _), low, high in zip(pairs, *_halve(base, pairs, transform), strict=True):
        for value in (low, high, np.nextafter(low, -np.inf), np.nextafter(high, np.inf)):
            if np.isfinite(value):
                yield name, float(value)


def _transformer(splits: Splits, to_input: ToInput) -> Callable[[Table], Array]:
    """What the trees compare, for rows of the model's columns."""

    def transform(rows: Table) -> Array:
        given = to_input(rows)
        for step in splits.before:
            given = step.transform(given)
        dense = given.toarray() if hasattr(given, "toarray") else np.asarray(given)
        return dense.astype(np.float32).astype(np.float64) if splits.single else dense.astype(np.float64)

    return transform


def _sources(base: Table, movable: Sequence[str], transform: Callable[[Table], Array]) -> dict[int, list[str]]:
    """Transformed column → the columns that move it."""
    found: dict[int, list[str]] = {}
    plain = transform(base.take([0]))
    for name in movable:
        low, high = _ends(base.columns[name])
        rows = base.take([0, 0])
        rows.columns[name][:] = [low, high]
        changed = np.any(transform(rows) != plain, axis=0)
        for place in np.flatnonzero(changed):
            found.setdefault(int(place), []).append(name)
    return found


def _ends(values: Array) -> tuple[Any, Any]:
    present = values[np.isfinite(values)]
    if not len(present):
        return 0, 1
    return present.min(), present.max()


def _halve(
    base: Table, pairs: Sequence[tuple[str, Any, Any]], transform: Callable[[Table], Array]
) -> tuple[Array, Array]:
    """Neighbouring values on both sides of each split; NaN where the column does not reach it."""
    rows = base.take([0] * len(pairs))
    lines = np.arange(len(pairs))
    features = np.array([feature for _, feature, _ in pairs])
    thresholds = np.array([threshold for _, _, threshold in pairs])

    def below(values: Array) -> Array:
        for line, (name, _, _) in enumerate(pairs):
            rows.columns[name][line] = values[line]
        under: Array = transform(rows)[lines, features] <= thresholds
        return under

    ends = [_ends(base.columns[name]) for name, _, _ in pairs]
    low, high = (np.array(side, dtype=np.float64) for side in zip(*ends, strict=True))
    start, stop = below(low), below(high)
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2
        same = below(middle) == start
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    crossed = start != stop
    return np.where(crossed, low, np.nan), np.where(crossed, high, np.nan)
