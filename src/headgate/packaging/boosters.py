"""The frameworks of boosted trees, each with its runtime's module: how its models are saved, described and read."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from headgate.errors import Malformed, ModelError
from headgate.runtimes import catboost, lightgbm, xgboost
from headgate.runtimes.boundary import foreign
from headgate.runtimes.forest import Forest, check_forest

# short name, which is also the package's → module with load_model, save_model, options_of, describe and read_forest
BOOSTERS: dict[str, ModuleType] = {"xgboost": xgboost, "lightgbm": lightgbm, "catboost": catboost}
SUFFIXES = {".ubj": "xgboost", ".json": "xgboost", ".txt": "lightgbm", ".cbm": "catboost"}
# frameworks whose files nobody checks before they are followed
DEADLY = frozenset({"catboost"})
TRIAL_SECONDS = 120
TRIAL = """
import pathlib, sys
from headgate.packaging.boosters import load_booster
name, file = sys.argv[1:]
model = load_booster(name, pathlib.Path(file).read_bytes(), file)
model.predict([[0.0] * len(model.feature_names_)], thread_count=1)
"""
CLASSES = {
    "xgboost": ("Booster", "XGBModel"),
    "lightgbm": ("Booster", "LGBMModel"),
    "catboost": ("CatBoost",),
}


def booster_name(model: Any) -> str | None:
    """The framework of a booster or of its scikit-learn wrapper, None for any other object; imports nothing."""
    for name, classes in CLASSES.items():
        module = sys.modules.get(name)
        if module is not None and any(isinstance(model, getattr(module, kind)) for kind in classes):
            return name
    return None


def booster_of_file(path: Path) -> str | None:
    """The framework whose model file it is, by its ending; None where it is none's."""
    return SUFFIXES.get(path.suffix.lower())


def survive(name: str, path: Path) -> None:
    """Have a process of its own read the file first, where the framework dies of crafted ones; raises `ModelError`.

    What it says of the file is not heard: who reads it next says the same.
    """
    if name not in DEADLY:
        return
    try:
        tried = subprocess.run(
            [sys.executable, "-P", "-c", TRIAL, name, str(path)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            check=False,
            timeout=TRIAL_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path.name} was not read within {TRIAL_SECONDS} s: save the model again.") from error
    if tried.returncode < 0:
        raise ModelError(
            f"{path.name} ended the process that read it ({signal.Signals(-tried.returncode).name}): it is damaged, "
            f"or was made to do harm. Save the model again with {name}."
        )


def load_booster(name: str, content: bytes, file: str, trusted: tuple[str, ...] = ()) -> Any:
    """The model in a file's bytes, its trees checked; raises `ModelError` or `Untrusted`."""
    return BOOSTERS[name].load_model(content, file, trusted)


def read_forest(model: Any) -> Forest | None:
    """The trees of a booster or wrapper, None for any other object; raises `ModelError`."""
    name = booster_name(model)
    return None if name is None else BOOSTERS[name].read_forest(model)


def missing_of(model: Any) -> str | None:
    """The number that stands for a missing value to a booster or wrapper, None where it is NaN."""
    name = booster_name(model)
    options: dict[str, str] = BOOSTERS[name].options_of(model) if name else {}
    return options.get("missing")


def save_booster(name: str, model: Any) -> tuple[str, bytes]:
    """File name and bytes of a model in memory; raises `Malformed` for one that was not fitted, `ModelError`."""
    _require_fitted(model)
    saved: tuple[str, bytes] = BOOSTERS[name].save_model(model)
    return saved


def check_booster(name: str, model: Any) -> None:
    """Raises `Malformed` for a model that was not fitted, `ModelError` for trees that no training has grown."""
    _require_fitted(model)
    with foreign(f"The model of {name} cannot be read"):
        BOOSTERS[name].describe(model)
    check_forest(BOOSTERS[name].read_forest(model))


def _require_fitted(model: Any) -> None:
    # wrappers of XGBoost and LightGBM have the one, models of CatBoost the other, a Booster is what training makes
    tell = getattr(model, "__sklearn_is_fitted__", None) or getattr(model, "is_fitted", None)
    if tell is not None and not tell():
        raise Malformed(f"Expected a fitted model, got a {type(model).__qualname__} before fit: call fit(X, y) first.")
