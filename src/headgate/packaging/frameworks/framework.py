"""The contract of a framework with packaging: one frozen record holds all that is asked. Nothing else is in this file.

A record imports its framework nowhere: what it names does, when a model of it is there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from headgate.packaging.facts import Facts
from headgate.records import Column
from headgate.runtimes.batch import Batch

# globals and files that the caller trusts by name
Trust = tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """A model's file in the bundle's folder, and what was read of it."""

    file: str  # name in the bundle, or of a folder there
    model: Any = None  # the loaded object; None for a file that says itself what it takes
    trusted: Trust = ()  # foreign globals and files that the caller named
    options: dict[str, str] = field(default_factory=dict)  # of the form that the file is
    packages: frozenset[str] = frozenset()  # that a pickle names, by the first part of each module


def _no_other(_path: Path) -> bool:
    return False


@dataclass(frozen=True)
class Files:
    """How files and folders of a framework are known, and come into a bundle."""

    suffixes: tuple[str, ...]
    # the file or folder given, the bundle's folder; raises what says why it is not taken
    keep: Callable[[Path, Path, Trust], Kept]
    others: Callable[[Path], bool] = _no_other  # what no suffix tells

    def know(self, path: Path) -> bool:
        """Whether the file or folder is one of them."""
        return self.others(path) or (path.is_file() and path.suffix.lower() in self.suffixes)


@dataclass(frozen=True)
class Objects:
    """How models in memory are known, and come into a bundle."""

    holds: Callable[[Any], bool]  # asked of objects of any kind: imports nothing
    keep: Callable[[Any, Path, Trust], Kept]
    # what came out of a pickle, looked at once more; None where pickles of it are not taken
    unpickled: Callable[[Kept], Kept] | None = None


def _no_refusal(_kept: Kept) -> str:
    return ""


@dataclass(frozen=True)
class Compiling:
    """How a model becomes an ONNX graph."""

    exporter: str  # "module:attribute", from a `Request` to the graph's bytes; imported in the converter's process
    layouts: Callable[[Sequence[Column]], tuple[str, ...]]  # of these features, in the order they are tried
    refusal: Callable[[Kept], str] = _no_refusal  # why this model is not tried; empty where it is


@dataclass(frozen=True)
class Needs:
    """The packages that a host needs for a model."""

    distributions: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()  # instead, where one of several distributions brings it
    pickled: tuple[str, ...] = ()  # distributions besides, where the file is a pickle
    frames: bool = True  # whether features that it knows by name come to it in a frame of pandas
    named: bool = False  # whether all that a pickle names is needed, not only what of it is a framework here
    closed: bool = False  # whether nothing is named beside `distributions`: every host has the rest


@dataclass(frozen=True)
class Trees:
    """Boosted trees: they are written into graphs, and looked into for split points, inside of estimators too."""

    runtime: ModuleType  # with load_model, options_of, describe and read_forest
    # wrappers for scikit-learn, by their names in the framework's package
    classifiers: tuple[str, ...]
    regressors: tuple[str, ...]


@dataclass(frozen=True)
class Framework:
    """All that packaging asks of a framework."""

    name: str  # as the manifest says it
    runtime: str  # short name in the table of runtimes
    version: Callable[[], str]  # of the framework here, asked when a model was read; empty where there is none
    facts: Callable[[Kept, Path], Facts]  # what the model says of itself; the bundle's folder
    compiling: Compiling | str  # how it is compiled, or the sentence that says why it is not
    needs: Needs
    files: Files | None = None
    objects: Objects | None = None
    trees: Trees | None = None
    # what the scores of a classifier are, by the loaded model's answers to some rows; None where that is no question
    scores: Callable[[Any, Batch], str] | None = None
    sample: int = 200  # rows that show what a model answers; few where one row takes long
    form: str = "native"  # key of the form that the given file is


@dataclass(frozen=True)
class Recognised:
    """A model whose file lies in the bundle's folder, and whose it is."""

    framework: Framework
    kept: Kept
