"""Boosted trees: XGBoost, LightGBM and CatBoost, each over the module of its runtime."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from headgate.errors import Malformed
from headgate.packaging.facts import Facts, plain_classes
from headgate.packaging.frameworks.attributes import feature
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.framework import Compiling, Files, Framework, Kept, Needs, Objects, Trees, Trust
from headgate.packaging.frameworks.trial import survive
from headgate.records import Column
from headgate.runtimes import catboost, lightgbm, xgboost
from headgate.runtimes.boundary import foreign
from headgate.runtimes.forest import check_forest

EXPORTER = "headgate.packaging.forest_converter:convert_forest"


@dataclass(frozen=True)
class Booster:
    """What is done with each framework's models."""

    name: str  # of the framework, and of its package
    runtime: ModuleType  # with load_model, save_model, options_of and describe
    classes: tuple[str, ...]  # of its models, by their names in the package
    deadly: bool = False  # nobody checks its files before they are followed

    def holds(self, model: Any) -> bool:
        """Whether it is a booster or its wrapper for scikit-learn; imports nothing."""
        module = sys.modules.get(self.name)
        return module is not None and any(isinstance(model, getattr(module, kind)) for kind in self.classes)

    def keep_file(self, path: Path, folder: Path, _trust: Trust) -> Kept:
        """The model in the file, its trees checked."""
        kept = copied(path, folder)
        if self.deadly:
            survive(self.name, kept)
        model = self.runtime.load_model(kept.read_bytes(), path.name)
        return Kept(kept.name, model, options=self.runtime.options_of(model))

    def keep_object(self, model: Any, folder: Path, _trust: Trust) -> Kept:
        """The model as its framework saves it; raises `Malformed` for one that was not fitted, `ModelError`."""
        _require_fitted(model)
        file, content = self.runtime.save_model(model)
        (folder / file).write_bytes(content)
        return Kept(file, model, options=self.runtime.options_of(model))

    def unpickled(self, kept: Kept) -> Kept:
        """Raises `Malformed` for a model that was not fitted, `ModelError` for trees that no training has grown."""
        _require_fitted(kept.model)
        with foreign(f"The model of {self.name} cannot be read"):
            self.runtime.describe(kept.model)
        check_forest(self.runtime.read_forest(kept.model))
        return replace(kept, options=self.runtime.options_of(kept.model), packages=frozenset())

    def version(self) -> str:
        """Of the package that is loaded: more than one distribution may have brought it."""
        release: str = sys.modules[self.name].__version__
        return release

    def facts(self, kept: Kept, _folder: Path) -> Facts:
        """As the model describes itself."""
        told = self.runtime.describe(kept.model)
        columns = tuple(_column(name, known) for name, known in zip(told.names, told.levels, strict=True))
        return Facts(columns, told.named, told.task, plain_classes(told.classes))


def _require_fitted(model: Any) -> None:
    # wrappers of XGBoost and LightGBM have the one, models of CatBoost the other, a Booster is what training makes
    tell = getattr(model, "__sklearn_is_fitted__", None) or getattr(model, "is_fitted", None)
    if tell is not None and not tell():
        raise Malformed(f"Expected a fitted model, got a {type(model).__qualname__} before fit: call fit(X, y) first.")


def _column(name: str, known: tuple[Any, ...] | None) -> Column:
    if known is None:
        return Column(name=name, dtype="float64", nullable=True)
    if not known:
        return Column(name=name, dtype="string")
    return feature(name, list(known), True)


def _always(*layouts: str) -> Callable[[Sequence[Column]], tuple[str, ...]]:
    return lambda _features: layouts


def _framework(booster: Booster, suffixes: tuple[str, ...], trees: Trees, layouts: tuple[str, ...]) -> Framework:
    return Framework(
        name=booster.name,
        runtime=booster.name,
        version=booster.version,
        facts=booster.facts,
        compiling=Compiling(EXPORTER, _always(*layouts)),
        # a pickled wrapper is a class of scikit-learn too
        needs=Needs(modules=(booster.name,), pickled=("scikit-learn",), frames=False),
        files=Files(suffixes, booster.keep_file),
        objects=Objects(booster.holds, booster.keep_object, booster.unpickled),
        trees=trees,
    )


# sums of float32 are faster
XGBOOST = _framework(
    Booster("xgboost", xgboost, ("Booster", "XGBModel")),
    (".ubj", ".json"),
    Trees(xgboost, ("XGBClassifier", "XGBRFClassifier"), ("XGBRegressor", "XGBRFRegressor")),
    ("narrow", "wide"),
)
# which compares doubles
LIGHTGBM = _framework(
    Booster("lightgbm", lightgbm, ("Booster", "LGBMModel")),
    (".txt",),
    Trees(lightgbm, ("LGBMClassifier",), ("LGBMRegressor",)),
    ("wide",),
)
CATBOOST = _framework(
    Booster("catboost", catboost, ("CatBoost",), deadly=True),
    (".cbm",),
    Trees(catboost, ("CatBoostClassifier",), ("CatBoostRegressor",)),
    ("narrow", "wide"),
)
