"""Plain Python: a file that defines `model`, or an object of a user's own class. Asked last, it takes what predicts."""

import importlib.util
import pickle
from pathlib import Path
from typing import Any

from headgate.errors import ModelError, UnsupportedType
from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.attributes import classes_of, features_of, is_named
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.framework import Files, Framework, Kept, Needs, Objects, Trust
from headgate.packaging.frameworks.pickles import open_pickle
from headgate.runtimes.python import run_model_file

FILE = "model.pkl"


def _holds(model: Any) -> bool:
    return callable(getattr(model, "predict", None))


def _keep_file(path: Path, folder: Path, _trust: Trust) -> Kept:
    kept = copied(path, folder)
    found = run_model_file(kept.read_bytes(), kept)
    if not _holds(found):
        raise ModelError(f"{path} defines `model`, a {type(found).__name__} without a method predict.")
    return Kept(kept.name, found)


def _keep_object(model: Any, folder: Path, trust: Trust) -> Kept:
    _dump_object(model, folder / FILE)
    return open_pickle(folder / FILE, trust)


def _unpickled(kept: Kept) -> Kept:
    return kept


def _dump_object(model: Any, path: Path) -> None:
    """By value with cloudpickle where it is installed and needed, else by reference."""
    writer: Any = pickle
    if importlib.util.find_spec("cloudpickle"):
        import cloudpickle

        writer = cloudpickle
    try:
        path.write_bytes(writer.dumps(model))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise UnsupportedType(
            f"The {type(model).__qualname__} cannot be pickled: {error}. Put it into a .py file that defines `model`."
        ) from error


def _no_version() -> str:
    return ""


def _facts(kept: Kept, _folder: Path) -> Facts:
    model, classes = kept.model, classes_of(kept.model)
    classifies = bool(classes) or hasattr(model, "predict_proba")
    return Facts(features_of(model), is_named(model), "classification" if classifies else None, classes)


PYTHON = Framework(
    name="python",
    runtime="python",
    version=_no_version,
    facts=_facts,
    compiling="Plain Python has no compiled form.",
    needs=Needs(("numpy",), named=True),
    files=Files((".py",), _keep_file),
    objects=Objects(_holds, _keep_object, _unpickled),
)
