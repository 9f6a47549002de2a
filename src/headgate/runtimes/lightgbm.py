"""LightGBM models from .txt files, and their scikit-learn wrappers from joblib and pickle files.

`predictions` are classes for objectives that classify, else numbers; `probabilities` where the objective gives them.
Where early stopping has kept a best iteration, it answers. Columns of categories take the levels of the training frame,
which the file's last line holds; another level is a missing value, as in LightGBM.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest
from headgate.errors import ModelError
from headgate.runtimes.batch import Array
from headgate.runtimes.boosted import (
    PICKLES,
    SET_UP,
    Answer,
    BoostedModel,
    Description,
    classified,
    first_line,
    framework,
    task_of,
)
from headgate.runtimes.boundary import foreign
from headgate.runtimes.coding import Levels, ToMatrix, matrix_coder
from headgate.runtimes.forest import LEAF, Forest, Link, Tree, check_forest, integers, numbers
from headgate.runtimes.unpickling import unpickle
from headgate.runtimes.verify import PREDICTIONS

LINKS: dict[str, Link] = {
    "binary": "sigmoid", "cross_entropy": "sigmoid", "multiclass": "softmax",
    "poisson": "exp", "gamma": "exp", "tweedie": "exp",
    "regression": "identity", "regression_l1": "identity", "huber": "identity", "fair": "identity",
    "quantile": "identity", "mape": "identity", "lambdarank": "identity", "rank_xendcg": "identity",
}  # fmt: skip
CLASSIFY = ("binary", "multiclass", "multiclassova")
RANK = ("lambdarank", "rank_xendcg")
UNNAMED = "Column_{place}"  # how LightGBM calls the columns of a matrix
# bits of a node's decision type
BY_CATEGORY, DEFAULT_LEFT, MISSING = 1, 2, 12
ZERO_IS_MISSING, NAN_IS_MISSING = 4, 8
CATEGORIES_LINE = "pandas_categorical:"


class LightgbmRuntime:
    """Loads LightGBM models."""

    name = "lightgbm"
    preload: tuple[str, ...] = ("numpy", "lightgbm")

    def load(self, folder: Path, manifest: Manifest, form: str) -> BoostedModel:
        """Load one form; raises `ModelError` with LightGBM's reason, `Untrusted` for a foreign global in a pickle."""
        path = manifest.forms[form].path
        model = load_model(verified_bytes(folder, manifest, path), path, manifest.trusted_code)
        with foreign(SET_UP, first_line):
            booster = booster_of(model)
            code = matrix_coder(manifest.signature.features, _levels(booster), closed=False)
            return BoostedModel(_plan(booster, code, manifest))


def load_model(content: bytes, name: str, trusted: Sequence[str] = ()) -> Any:
    """The `Booster` or wrapper in a file's bytes, its trees checked; raises as `LightgbmRuntime.load` does."""
    lightgbm = framework("lightgbm")
    if name.endswith(PICKLES):
        model = unpickle(content, trusted)
        if not isinstance(model, lightgbm.Booster | lightgbm.LGBMModel):
            kind = f"{type(model).__module__}.{type(model).__qualname__}"
            raise ModelError(f"Expected a model of LightGBM, got a {kind}.")
        check_forest(read_forest(model))
        return model
    # LightGBM writes beyond its arrays when a file's numbers are wrong: they are checked before it reads them
    text = _decode(content)
    check_forest(read_text(text))
    with foreign(f"LightGBM {lightgbm.__version__} cannot load the model", first_line):
        return lightgbm.Booster(model_str=text)


def save_model(model: Any) -> tuple[str, bytes]:
    """The file for a model in memory; raises `ModelError` for one that was not fitted."""
    with foreign("LightGBM cannot save the model", first_line):
        return "model.txt", booster_of(model).model_to_string().encode()


def options_of(_model: Any) -> dict[str, str]:
    """What the model needs and a file of LightGBM's does not hold: nothing."""
    return {}


def booster_of(model: Any) -> Any:
    """The `Booster` in a wrapper, or itself."""
    return model.booster_ if hasattr(model, "booster_") else model


def describe(model: Any) -> Description:
    """Names, levels, task and classes of a `Booster` or wrapper."""
    booster = booster_of(model)
    text = booster.model_to_string()
    objective, _ = _objective(text)
    given_names = tuple(booster.feature_name())
    named = any(name != UNNAMED.format(place=place) for place, name in enumerate(given_names))
    names = given_names if named else tuple(f"x{place}" for place in range(len(given_names)))
    task = task_of(classifies=objective in CLASSIFY, ranks=objective in RANK)
    given = getattr(model, "classes_", None)
    classes = tuple(given.tolist()) if given is not None else tuple(range(max(2, int(_head(text)["num_class"]))))
    return Description(names, named, _levels(booster), task, classes if task == "classification" else ())


def read_forest(model: Any) -> Forest:
    """The trees up to the best iteration; raises `ModelError` for a file that no training has written."""
    return read_text(booster_of(model).model_to_string())


def read_text(text: str) -> Forest:
    """The trees in a model's text; raises `ModelError` for one that no training has written."""
    try:
        return _read_text(text)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"The model file holds a damaged tree: {type(error).__name__}: {error}.") from error


def _plan(booster: Any, code: ToMatrix, manifest: Manifest) -> Answer:
    def ask(matrix: Array) -> Any:
        return booster.predict(matrix, num_threads=1, validate_features=False)

    if manifest.task == "classification":
        return lambda batch: classified(ask(code(batch)), manifest.classes)
    return lambda batch: {PREDICTIONS: ask(code(batch))}


def _decode(content: bytes) -> str:
    text = content.decode(errors="replace").replace("\r\n", "\n")
    if not text.startswith("tree\n") or "\nend of trees" not in text:
        raise ModelError("Expected a model of LightGBM: text from `tree` to `end of trees`; the file is another one.")
    return text


def _levels(booster: Any) -> Levels:
    """What the training frame's categories were, where it was a frame.

    LightGBM keeps those of the frame's columns of categories in their order, and not which columns these were.
    """
    kept = [tuple(levels) for levels in booster.pandas_categorical or ()]
    told = _head(booster.model_to_string())["feature_infos"].split()
    if not kept:
        return [None] * len(told)
    # numbers are told as [lowest:highest], categories by their codes, a column of one value as none
    by_category = [place for place, codes in enumerate(told) if not codes.startswith("[") and codes != "none"]
    fits = len(by_category) == len(kept) and all(
        max(map(int, told[place].split(":"))) < len(levels) for place, levels in zip(by_category, kept, strict=True)
    )
    if not fits:
        raise ModelError(
            "LightGBM does not tell which columns the training frame's categories belong to: train without columns of "
            "one value, and with all columns of categories as categories of pandas."
        )
    found = dict(zip(by_category, kept, strict=True))
    return [found.get(place) for place in range(len(told))]


def _head(text: str) -> dict[str, str]:
    return _fields(text.partition("\nTree=")[0])


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _objective(text: str) -> tuple[str, dict[str, str]]:
    """The objective's name and what it is set to, as `binary sigmoid:1`."""
    name, *settings = _head(text).get("objective", "custom").split()
    return name, {word.partition(":")[0]: word.partition(":")[2] for word in settings}


def _read_text(text: str) -> Forest:
    body = text.partition("\nend of trees")[0]
    head, *blocks = body.split("\nTree=")
    fields = _fields(head)
    objective, settings = _objective(text)
    outputs, width = int(fields["num_tree_per_iteration"]), int(fields["max_feature_idx"]) + 1
    scale = float(settings.get("sigmoid", 1)) if objective in CLASSIFY else 1.0
    if "\naverage_output" in head:
        scale = scale * outputs / max(len(blocks), 1)
    link = "" if "sqrt" in settings else LINKS.get(objective, "")
    refused = "" if link else f"nothing is known of the objective {objective}"
    trees = []
    for place, block in enumerate(blocks):
        tree, reason = _read_tree(_fields(block), place % max(outputs, 1))
        trees.append(replace(tree, values=tree.values * scale))
        refused = refused or reason
    return Forest(tuple(trees), width, (0.0,) * outputs, link, False, False, refused)


def _read_tree(fields: Mapping[str, str], output: int) -> tuple[Tree, str]:
    """One tree, and why it cannot be written as a graph."""
    leaves = int(fields["num_leaves"])
    values = numbers(fields["leaf_value"].split())
    _agree(len(values), leaves)
    if leaves < 2:
        one, none = np.zeros(1, dtype=np.int64), np.zeros(1)
        return Tree(one + LEAF, none, one, one, one != 0, values, output), ""
    inner = leaves - 1
    kinds = integers(fields["decision_type"].split())
    features, written = integers(fields["split_feature"].split()), numbers(fields["threshold"].split())
    left, right = (_children(fields[side].split(), inner) for side in ("left_child", "right_child"))
    for array in (kinds, features, written, left, right):
        _agree(len(array), inner)
    by_category = kinds & BY_CATEGORY != 0
    thresholds = np.where(by_category, 0.0, written)
    missing_left, awkward = _missing(kinds, thresholds)
    reason = "zeros that stand for missing values" if awkward.any() else ""
    if fields.get("is_linear", "0") != "0":
        reason = "its leaves are linear models"
    codes = dict(_codes(fields, np.flatnonzero(by_category), written))
    pad = np.zeros(leaves)
    tree = Tree(
        np.append(features, np.full(leaves, LEAF)),
        np.append(thresholds, pad),
        np.append(left, pad.astype(np.int64)),
        np.append(right, pad.astype(np.int64)),
        np.append(missing_left, pad != 0),
        np.append(np.zeros(inner), values),
        output,
        codes,
    )
    return tree, reason


def _agree(got: int, expected: int) -> None:
    if got != expected or expected < 1:
        raise ModelError(f"The model file holds a damaged tree: it names {expected} nodes and lists {got}.")


def _children(words: Sequence[str], inner: int) -> Array:
    """Leaves, which are numbered below zero, as nodes after those with a test."""
    children = integers(words)
    return np.where(children < 0, inner - 1 - children, children)


def _missing(kinds: Array, thresholds: Array) -> tuple[Array, Array]:
    """Where NaN goes, and the nodes where a zero goes elsewhere than its number says."""
    kind, default_left = kinds & MISSING, kinds & DEFAULT_LEFT != 0
    zero_left = thresholds >= 0
    by_category = kinds & BY_CATEGORY != 0
    # where NaN is not expected it is taken for zero; among categories it is none of those that are listed
    left = np.where(kind == 0, zero_left, default_left) & ~by_category
    return left, (kind == ZERO_IS_MISSING) & ~by_category & (default_left != zero_left)


def _codes(fields: Mapping[str, str], nodes: Array, thresholds: Array) -> Iterator[tuple[int, list[int]]]:
    """Node → the categories whose bits are set in the words that its threshold names."""
    if not len(nodes):
        return
    bounds, words = integers(fields["cat_boundaries"].split()), integers(fields["cat_threshold"].split())
    for node in nodes:
        place = int(thresholds[node])
        start, stop = bounds[place], bounds[place + 1]
        if place < 0 or not 0 <= start <= stop <= len(words):
            raise ModelError("The model file holds a damaged tree: a category set lies outside of it.")
        yield int(node), [32 * word + bit for word in range(stop - start) for bit in _bits(int(words[start + word]))]


def _bits(word: int) -> Iterator[int]:
    return (bit for bit in range(32) if word >> bit & 1)
