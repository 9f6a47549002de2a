"""scikit-learn's histogram gradient boosting with columns of categories, which its converter takes for numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headgate.runtimes.batch import Array
from headgate.runtimes.coding import Levels
from headgate.runtimes.forest import LEAF, Forest, Link, Tree

KINDS = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
LINKS: dict[str, Link] = {
    "squared_error": "identity", "absolute_error": "identity", "quantile": "identity",
    "poisson": "exp", "gamma": "exp",
}  # fmt: skip


def has_levels(model: Any) -> bool:
    """Whether it is such a model, with at least one column of categories."""
    kind = type(model)
    ours = kind.__module__.startswith("sklearn.ensemble.") and kind.__name__ in KINDS
    return ours and model.is_categorical_ is not None and bool(np.any(model.is_categorical_))


def read_histograms(model: Any) -> tuple[Forest, Levels]:
    """Its trees over the columns as they are given, and the levels of each column."""
    marked = np.asarray(model.is_categorical_, dtype=bool)
    # columns of categories are moved to the front before the trees see them
    order = np.concatenate([np.flatnonzero(marked), np.flatnonzero(~marked)])
    levels: list[tuple[Any, ...] | None] = [None] * len(marked)
    encoder = model._preprocessor.named_transformers_["encoder"]
    for place, known in zip(np.flatnonzero(marked), encoder.categories_, strict=True):
        levels[place] = tuple(_plain(level) for level in known.tolist() if level is not None and level == level)
    base = np.ravel(model._baseline_prediction)
    trees = tuple(
        _read_tree(predictor, order, output) for stage in model._predictors for output, predictor in enumerate(stage)
    )
    link = _link(model, len(base))
    refused = "" if link else f"nothing is known of the loss {model.loss}"
    return Forest(trees, len(marked), tuple(base.tolist()), link, False, False, refused), levels


def _link(model: Any, outputs: int) -> Link:
    if hasattr(model, "classes_"):
        return "sigmoid" if outputs == 1 else "softmax"
    return LINKS.get(str(model.loss), "")


def _plain(level: Any) -> Any:
    return int(level) if isinstance(level, float) and level.is_integer() else level


def _read_tree(predictor: Any, order: Array, output: int) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"] != 0
    return Tree(
        np.where(leaf, LEAF, order[nodes["feature_idx"]]),
        nodes["num_threshold"].astype(np.float64),
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        nodes["missing_go_to_left"] != 0,
        nodes["value"].astype(np.float64),
        output,
        {
            int(node): list(_codes(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]))
            for node in np.flatnonzero(~leaf & (nodes["is_categorical"] != 0))
        },
    )


def _codes(words: Sequence[Any]) -> Iterator[int]:
    """The places of the bits that are set, 32 to a word."""
    return (32 * place + bit for place, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1)
