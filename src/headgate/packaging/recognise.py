"""What kind of model is it? The given file's bytes are kept; an object in memory is dumped to one."""

from pathlib import Path
from typing import Any

from headgate.errors import ModelError, NotFound, UnsupportedType
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.framework import Recognised, Trust
from headgate.packaging.frameworks.pickles import LONG, is_pickle, open_pickle
from headgate.packaging.frameworks.registry import (
    framework_in_pickle,
    framework_of_object,
    framework_of_path,
    shown_suffixes,
)


def recognise(model: Any, folder: Path, trust_code: Trust = ()) -> Recognised:
    """Put the model's file into the folder and say what it is.

    Raises `NotFound`, `UnsupportedType`, `Untrusted` naming the foreign globals, `ModelError`, or `Malformed` for an
    estimator that was not fitted.
    """
    if isinstance(model, str | Path):
        return _recognise_path(Path(model), folder, trust_code)
    if isinstance(model, type):
        raise UnsupportedType(f"Expected a fitted model, got the class {model.__qualname__}: make one and fit it.")
    framework = framework_of_object(model)
    if framework is None or framework.objects is None:
        raise UnsupportedType(
            f"Expected a fitted estimator, an object with a method predict, an ONNX model or a file "
            f"({', '.join(shown_suffixes())}), got a {type(model).__module__}.{type(model).__qualname__}."
        )
    return Recognised(framework, framework.objects.keep(model, folder, trust_code))


def _recognise_path(path: Path, folder: Path, trust: Trust) -> Recognised:
    if not path.exists():
        raise NotFound(f"There is no model file {path}.")
    framework = framework_of_path(path)
    if framework is not None and framework.files is not None:
        return Recognised(framework, framework.files.keep(path, folder, trust))
    if path.is_file() and is_pickle(path):
        return _recognise_pickle(path, folder, trust)
    raise UnsupportedType(
        f"Expected a model file ending in {', '.join(shown_suffixes())}, got {path}. Save the model with joblib.dump, "
        f"or wrap it in a .py file that defines `model`, an object with a method predict."
    )


def _recognise_pickle(path: Path, folder: Path, trust: Trust) -> Recognised:
    suffix = path.suffix.lower()
    kept = open_pickle(copied(path, folder, ".pkl" if suffix == LONG else suffix), trust, path)
    framework = framework_in_pickle(kept.model)
    if framework is None or framework.objects is None or framework.objects.unpickled is None:
        raise ModelError(
            f"Expected an estimator or an object with a method predict in {path}, "
            f"got a {type(kept.model).__module__}.{type(kept.model).__qualname__}."
        )
    return Recognised(framework, framework.objects.unpickled(kept))
