"""Nodes for tests, ended with all that they started."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.testing.node.node import Node

MakeNode = Callable[..., Node]


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[MakeNode]:
    """Makes a node below a folder of the test's own; settings can be given."""
    made: list[Node] = []

    def make(folder: Path | None = None, **settings: Any) -> Node:
        made.append(Node(folder or tmp_path / f"node{len(made)}", **settings))
        return made[-1]

    yield make
    for node in made:
        node.clean()


@pytest.fixture
def node(make_node: MakeNode) -> Node:
    return make_node()
