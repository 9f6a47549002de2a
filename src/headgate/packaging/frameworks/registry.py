"""The table of frameworks: every one that packaging knows, in the order in which they are asked.

Plug-ins add theirs by the entry points `headgate.frameworks`, as they add runtimes; ours cannot be replaced by one.
"""

import importlib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from headgate.errors import ModelError, NotFound, Refused
from headgate.packaging.frameworks.boosted import CATBOOST, LIGHTGBM, XGBOOST
from headgate.packaging.frameworks.framework import Compiling, Framework, Trees
from headgate.packaging.frameworks.keras import KERAS
from headgate.packaging.frameworks.onnx import ONNX
from headgate.packaging.frameworks.pickles import SUFFIXES
from headgate.packaging.frameworks.pmml import PMML
from headgate.packaging.frameworks.python import PYTHON
from headgate.packaging.frameworks.pytorch import PYTORCH
from headgate.packaging.frameworks.scikit_learn import SCIKIT_LEARN
from headgate.packaging.frameworks.transformers import TRANSFORMERS
from headgate.packaging.request import Request
from headgate.runtimes.boundary import foreign
from headgate.runtimes.forest import Forest

GROUP = "headgate.frameworks"
# wrappers of boosted trees are estimators too, and all that predicts is plain Python at last
ORDER = (ONNX, XGBOOST, LIGHTGBM, PYTORCH, KERAS, CATBOOST, PMML, TRANSFORMERS, SCIKIT_LEARN)
FRAMEWORKS: dict[str, Framework] = {each.name: each for each in (*ORDER, PYTHON)}


def frameworks() -> Iterator[Framework]:
    """Ours and those of installed plug-ins, in order; raises `ModelError` for a plug-in that cannot be imported."""
    yield from ORDER
    yield from (_plugged(point) for point in entry_points(group=GROUP) if point.name not in FRAMEWORKS)
    yield PYTHON


def _plugged(point: EntryPoint) -> Framework:
    with foreign(f"Framework {point.name!r} cannot be imported from {point.value}", str, "."):
        record = point.load()
    if not isinstance(record, Framework) or record.name != point.name:
        raise ModelError(f"Framework {point.name!r} is declared as {point.value}, which is no record of that name.")
    return record


def framework_named(name: str) -> Framework:
    """The framework that a manifest names; raises `NotFound`."""
    for each in frameworks():
        if each.name == name:
            return each
    raise NotFound(f"There is no framework {name!r}. Is its package installed?")


def shown_suffixes() -> tuple[str, ...]:
    """How the files end that are taken."""
    return (*SUFFIXES, *(suffix for each in frameworks() if each.files for suffix in each.files.suffixes))


def framework_of_path(path: Path) -> Framework | None:
    """Whose file or folder it is; None for a pickle, which says so inside, and for what nobody knows."""
    return next((each for each in frameworks() if each.files and each.files.know(path)), None)


def framework_of_object(model: Any) -> Framework | None:
    """Whose object in memory it is."""
    return next((each for each in frameworks() if each.objects and each.objects.holds(model)), None)


def framework_in_pickle(model: Any) -> Framework | None:
    """Whose object it is that came out of a pickle; None too where pickles of that framework are not taken."""
    taking = (each for each in frameworks() if each.objects and each.objects.unpickled)
    return next((each for each in taking if each.objects and each.objects.holds(model)), None)


def read_forest(model: Any) -> Forest | None:
    """The boosted trees of a model or of its wrapper, None for any other object; raises `ModelError`."""
    trees = _trees_of(model)
    return None if trees is None else trees.runtime.read_forest(model)


def missing_of(model: Any) -> str | None:
    """The number that stands for a missing value to boosted trees, None where it is NaN, and for any other object."""
    trees = _trees_of(model)
    options: dict[str, str] = trees.runtime.options_of(model) if trees else {}
    return options.get("missing")


def _trees_of(model: Any) -> Trees | None:
    boosted = (each for each in FRAMEWORKS.values() if each.trees)
    return next((each.trees for each in boosted if each.objects and each.objects.holds(model)), None)


def load_exporter(name: str) -> Callable[[Request], bytes]:
    """What makes graphs of a framework's models; for the converter's process, whose libraries it imports."""
    compiling = framework_named(name).compiling
    if not isinstance(compiling, Compiling):
        raise Refused(compiling)
    module, _, attribute = compiling.exporter.partition(":")
    exporter: Callable[[Request], bytes] = getattr(importlib.import_module(module), attribute)
    return exporter
