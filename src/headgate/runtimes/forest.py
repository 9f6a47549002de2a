"""Boosted trees as plain arrays, read from a framework's own text form: what they compare, and where they send a row.

One reading serves three purposes: a damaged tree is refused before the framework's code follows its indexes, the split
points are compared, and the compiled form is written from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from headgate.errors import ModelError
from headgate.runtimes.batch import Array

LEAF = -1
# how the sum of the leaves becomes the answer
Link = Literal["identity", "sigmoid", "softmax", "exp", ""]


@dataclass(frozen=True)
class Tree:
    """Nodes as arrays, the root first. A row goes left where the node's test holds."""

    features: Array  # [nodes] int64: the column that is looked at, LEAF at a leaf
    thresholds: Array  # [nodes] float64
    left: Array  # [nodes] int64
    right: Array
    missing_left: Array  # [nodes] bool: where a row without a value goes
    values: Array  # [nodes] float64: what a leaf adds; [nodes, outputs] where it adds to all of them
    output: int = 0  # to which it adds, where it is one
    # node → the codes that go left; such a node has no threshold
    codes: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @property
    def inner(self) -> Array:
        """The nodes with a test."""
        return np.flatnonzero(self.features != LEAF)


@dataclass(frozen=True)
class Forest:
    """Trees whose leaves are summed, by output."""

    trees: Sequence[Tree]
    width: int  # columns that a row has
    base: Sequence[float]  # where the sum of each output begins
    link: Link
    single: bool  # values are rounded to float32 before they are compared
    strict: bool  # left is x < threshold, otherwise x <= threshold
    refused: str = ""  # why no compiled form can be written from it

    @property
    def outputs(self) -> int:
        return len(self.base)


def check_forest(forest: Forest) -> None:
    """Raises `ModelError` for trees that no training has grown: following their indexes would end the process."""
    for tree in forest.trees:
        inner, count = tree.inner, len(tree.features)
        _check(tree.features[inner] < forest.width, "it looks at a column that there is not")
        _check(tree.features >= LEAF, "it looks at a column that there is not")
        for children in (tree.left[inner], tree.right[inner]):
            _check((children > 0) & (children < count), "a child lies outside of it")
        reached = np.concatenate([tree.left[inner], tree.right[inner]])
        _check(np.unique(reached).size == reached.size, "two nodes share a child")
        _check(0 <= tree.output < forest.outputs, "it adds to an output that there is not")
        _check(count > 0, "it has no nodes")
        _check(_is_whole(tree, inner), "a node leads back to one before it")


def _check(holds: Array | bool, otherwise: str) -> None:
    if not np.all(holds):
        raise ModelError(f"The model file holds a damaged tree: {otherwise}.")


def _is_whole(tree: Tree, inner: Array) -> Array:
    """Whether every node with a test is reached from the root: then nothing is a circle."""
    seen = np.zeros(len(tree.features), dtype=bool)
    level = np.zeros(1, dtype=np.int64)
    while level.size and not seen[level].any():
        seen[level] = True
        tests = level[tree.features[level] != LEAF]
        level = np.concatenate([tree.left[tests], tree.right[tests]])
    return seen[inner]


def integers(values: Any) -> Array:
    """A list of whole numbers from a model file; raises `ModelError` for anything else."""
    return _array(values, np.int64)


def numbers(values: Any) -> Array:
    """A list of numbers from a model file; raises `ModelError` for anything else."""
    return _array(values, np.float64)


def _array(values: Any, dtype: Any) -> Array:
    try:
        array: Array = np.array(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"The model file holds a damaged tree: {error}.") from error
    if array.ndim != 1:
        raise ModelError(f"The model file holds a damaged tree: a list of {array.ndim} dimensions.")
    return array
