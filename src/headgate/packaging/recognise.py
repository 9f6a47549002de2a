"""What kind of model is it? The given file's bytes are kept; an object in memory is dumped to one."""

import importlib.util
import pickle
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.globals import Globals, read_globals
from headgate.errors import Malformed, ModelError, NotFound, UnsupportedType, Untrusted
from headgate.packaging import networks, transformer_folders
from headgate.packaging.boosters import (
    BOOSTERS,
    booster_name,
    booster_of_file,
    check_booster,
    load_booster,
    save_booster,
    survive,
)
from headgate.packaging.loose_modules import refuse_loose
from headgate.runtimes.python import run_model_file
from headgate.runtimes.sklearn import load_estimator
from headgate.runtimes.skops import foreign_types

PICKLES = {".joblib", ".pkl", ".pickle", ".skops"}
# files that say themselves what they take: suffix → framework, which is the runtime's name too, and its distribution
DESCRIBED = {".onnx": ("onnx", "onnxruntime"), ".pmml": ("pmml", "sklearn-pmml-model")}
SUFFIXES = (".joblib", ".pkl", ".skops", ".onnx", ".ubj", ".json", ".txt", *networks.SUFFIXES, ".cbm", ".pmml", ".py")


@dataclass(frozen=True)
class Recognised:
    """A model whose file lies in the bundle's folder."""

    framework: str  # "scikit-learn", "xgboost", "lightgbm", "catboost", "onnx", "python"
    framework_version: str
    runtime: str  # short name in the table of runtimes
    file: str  # name in the bundle
    model: Any = None  # the loaded object; None for ONNX and PMML, which say themselves what they take
    trusted: tuple[str, ...] = ()  # foreign globals that the caller named
    options: dict[str, str] = field(default_factory=dict)  # of the form that the given file is
    needs: tuple[str, ...] = ()  # packages of other frameworks that the object is made of

    @property
    def form(self) -> str:
        """Key of the form that the given file is."""
        return "onnx" if self.framework == "onnx" else "native"


def recognise(model: Any, folder: Path, trust_code: tuple[str, ...] = ()) -> Recognised:
    """Put the model's file into the folder and say what it is.

    Raises `NotFound`, `UnsupportedType`, `Untrusted` naming the foreign globals, `ModelError`, or `Malformed` for an
    estimator that was not fitted.
    """
    if isinstance(model, str | Path):
        return _recognise_file(Path(model), folder, trust_code)
    if isinstance(model, type):
        raise UnsupportedType(f"Expected a fitted model, got the class {model.__qualname__}: make one and fit it.")
    name = booster_name(model)
    if name is None:
        return _recognise_object(model, folder, trust_code)
    file, content = save_booster(name, model)
    (folder / file).write_bytes(content)
    return _booster(name, file, model)


def _recognise_object(model: Any, folder: Path, trust_code: tuple[str, ...]) -> Recognised:
    if is_estimator(model):
        _require_fitted(model)
        dump_estimator(model, folder / "model.joblib")
        return _recognise_pickle(folder / "model.joblib", trust_code)
    if type(model).__module__.startswith("onnx.") and hasattr(model, "SerializeToString"):
        (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
        return _described(".onnx")
    if (dumped := networks.dump_network(model, folder)) is not None:
        found = _recognise_file(dumped, folder, trust_code)
        dumped.unlink()
        return found
    if not callable(getattr(model, "predict", None)):
        raise UnsupportedType(
            f"Expected a fitted estimator, an object with a method predict, an ONNX model or a file "
            f"({', '.join(SUFFIXES)}), got a {type(model).__module__}.{type(model).__qualname__}."
        )
    _dump_object(model, folder / "model.pkl")
    return _recognise_pickle(folder / "model.pkl", trust_code)


def is_estimator(model: Any) -> bool:
    """Whether it is a scikit-learn estimator; imports nothing."""
    module = sys.modules.get("sklearn.base")
    return module is not None and isinstance(model, module.BaseEstimator)


def _recognise_file(path: Path, folder: Path, trust_code: tuple[str, ...]) -> Recognised:
    suffix = path.suffix.lower()
    if not path.exists():
        raise NotFound(f"There is no model file {path}.")
    if (found := _recognise_deep(path, folder, trust_code)) is not None:
        return found
    booster = booster_of_file(path)
    if (suffix not in {*PICKLES, *DESCRIBED, ".py"} and booster is None) or not path.is_file():
        raise UnsupportedType(
            f"Expected a model file ending in {', '.join(SUFFIXES)}, got {path}. Save the model with joblib.dump, or "
            f"wrap it in a .py file that defines `model`, an object with a method predict."
        )
    kept = folder / f"model{'.pkl' if suffix == '.pickle' else suffix}"
    shutil.copyfile(path, kept)
    if booster is not None:
        survive(booster, kept)
        return _booster(booster, kept.name, load_booster(booster, kept.read_bytes(), path.name))
    if suffix == ".py":
        return _recognise_code(kept, path)
    return _described(suffix) if suffix in DESCRIBED else _recognise_pickle(kept, trust_code, path)


def _recognise_code(kept: Path, given: Path) -> Recognised:
    found = run_model_file(kept.read_bytes(), kept)
    if not callable(getattr(found, "predict", None)):
        raise ModelError(f"{given} defines `model`, a {type(found).__name__} without a method predict.")
    return Recognised("python", "", "python", kept.name, found)


def _recognise_deep(path: Path, folder: Path, trust_code: tuple[str, ...]) -> Recognised | None:
    """A network or a transformer; None for another kind of file."""
    networks.refuse_kept_elsewhere(path)
    if transformer_folders.is_transformer(path):
        options = transformer_folders.keep_transformer(path, folder)
        kind = transformer_folders.FRAMEWORK
        return Recognised(kind, _version("transformers"), "transformers", transformer_folders.BASE, options=options)
    if path.suffix.lower() in networks.SUFFIXES and path.is_file():
        file, options, trusted = networks.keep_network(path, folder, trust_code)
        kind, library = (networks.KERAS,) * 2 if file.endswith(".keras") else (networks.FRAMEWORK, "torch")
        return Recognised(kind, _version(library), library, file, trusted=trusted, options=options)
    return None


def _recognise_pickle(kept: Path, trust_code: tuple[str, ...], given: Path | None = None) -> Recognised:
    content = kept.read_bytes()
    named = _named_in(content, kept, str(given or kept))
    foreign = named.foreign
    refuse_loose(foreign, given)
    _require_trust(given, [name for name in foreign if name not in trust_code])
    model = load_estimator(content, foreign, kept.name)
    booster = booster_name(model)
    if booster is not None:
        check_booster(booster, model)
        return _booster(booster, kept.name, model, foreign)
    if is_estimator(model):
        _require_fitted(model)
        needs = tuple(sorted(named.packages & BOOSTERS.keys()))
        return Recognised("scikit-learn", _version("scikit-learn"), "sklearn", kept.name, model, foreign, needs=needs)
    if not callable(getattr(model, "predict", None)):
        raise ModelError(
            f"Expected an estimator or an object with a method predict in {given or kept.name}, "
            f"got a {type(model).__module__}.{type(model).__qualname__}."
        )
    return Recognised("python", "", "python", kept.name, model, foreign)


def _named_in(content: bytes, kept: Path, where: str) -> Globals:
    if kept.suffix == ".skops":
        return Globals(tuple(foreign_types(content)), frozenset())
    return read_globals(content, where)


def _require_trust(given: Path | None, unknown: Sequence[str]) -> None:
    if unknown:
        options = " ".join(f"--trust-code {name}" for name in unknown)
        raise Untrusted(
            f"{given or 'The model'} runs code that no ordinary estimator needs: {', '.join(unknown)}. "
            f"If you trust it, name it: trust_code={tuple(unknown)!r}, or {options}.",
            detail=[{"global": name} for name in unknown],
        )


def _booster(name: str, file: str, model: Any, trusted: tuple[str, ...] = ()) -> Recognised:
    release: str = sys.modules[name].__version__
    return Recognised(name, release, name, file, model, trusted, BOOSTERS[name].options_of(model), (name,))


def _described(suffix: str) -> Recognised:
    framework, distribution = DESCRIBED[suffix]
    return Recognised(framework, _version(distribution), framework, f"model{suffix}")


def _require_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise Malformed(f"Expected a fitted estimator, got {model!r} before fit: call fit(X, y) first.") from error
    except TypeError as error:
        raise Malformed(f"Expected a fitted estimator, got {model!r}: {error}") from error


def dump_estimator(model: Any, path: Path) -> None:
    """What `joblib.dump` writes, with the gaps in arrays of records blank: they hold whatever memory held before."""
    from joblib.numpy_pickle import NumpyPickler

    class BlankGaps(NumpyPickler):  # type: ignore[misc]  # joblib ships no types
        def __init__(self, file: Any) -> None:
            super().__init__(file)
            self.blanked: dict[int, tuple[Any, Any]] = {}

        def save(self, obj: Any) -> Any:
            if type(obj) is np.ndarray and obj.dtype.names and not obj.dtype.hasobject:
                # the original is kept too, so that its id stays its own
                obj = self.blanked.setdefault(id(obj), (obj, _blank(obj)))[1]
            return super().save(obj)

    with path.open("wb") as file:
        BlankGaps(file).dump(model)


def _blank(records: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    clean = np.zeros(records.shape, records.dtype)
    for name in records.dtype.names or ():
        clean[name] = records[name]
    return clean


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


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
