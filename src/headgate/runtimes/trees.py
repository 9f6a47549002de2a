"""Decision trees from a file, checked before anybody walks them.

scikit-learn follows child indexes unchecked: one beyond the end reads foreign memory, one that points back never ends.
A tree that scikit-learn has grown has every child after its parent.
"""

from typing import Any

import numpy as np

from headgate.errors import ModelError
from headgate.runtimes.batch import Array

LEAF = -1  # child index of a leaf in a `Tree`


def check_tree(found: Any) -> None:
    """Pass over anything that is no tree; raises `ModelError` for one that no fit has grown."""
    kind = f"{type(found).__module__}.{type(found).__name__}"
    if kind == "sklearn.tree._tree.Tree":
        _check_tree(found)
    elif kind == "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor":
        _check_predictor(found)


def _check_tree(tree: Any) -> None:
    left, right = tree.children_left, tree.children_right
    inner = np.flatnonzero(left != LEAF)
    # a leaf is told by its left child alone
    _check_children(inner, left[inner], right[inner], len(left))
    _check_below(tree.feature[inner], tree.n_features, "feature")
    _check_below(np.array([tree.max_depth]), max(len(left), 1), "depth")


def _check_predictor(predictor: Any) -> None:
    nodes = predictor.nodes
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    _check_children(inner, nodes["left"][inner], nodes["right"][inner], len(nodes))
    _check_below(nodes["feature_idx"][inner], np.iinfo(np.int64).max, "feature")
    by_category = nodes[inner][nodes["is_categorical"][inner] != 0]
    rows = min(len(predictor.binned_left_cat_bitsets), len(predictor.raw_left_cat_bitsets))
    _check_below(by_category["bitset_idx"], rows, "category set")


def _check_children(parents: Array, left: Array, right: Array, count: int) -> None:
    for children in (left.astype(np.int64), right.astype(np.int64)):
        if ((children <= parents) | (children >= count)).any():
            raise ModelError("The model file holds a damaged tree: a child comes before its parent or after the end.")


def _check_below(values: Array, limit: int, what: str) -> None:
    if ((values < 0) | (values.astype(np.int64) >= limit)).any():
        raise ModelError(f"The model file holds a damaged tree: a {what} number is not between 0 and {limit}.")
