"""Models in plain Python: a `.py` file that defines `model`, or a pickled object, with a method `predict`.

`predict` is given what the form's option `input` says: "frame" (pandas), "matrix", or "columns" (name → array). Without
it: a matrix when all features are numbers of one dtype; else columns where one has a shape (images, vectors) or holds
bytes, or pandas is not installed; else a frame. It answers one value per row, or a mapping with `predictions` and
perhaps `probabilities`.
"""

import hashlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Form, Manifest
from headgate.errors import ModelError
from headgate.records import Signature
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.boundary import answering, foreign
from headgate.runtimes.columns import matrix_dtype
from headgate.runtimes.frames import frame_maker, has_pandas, matrix_of
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.unpickling import unpickle
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

Table = Callable[[Batch], Any]


class PythonModel:
    """A user's object that answers batches."""

    device = "cpu"

    def __init__(self, model: Any, table: Table, probabilities: bool) -> None:
        self.model = model
        self._table = table
        self._probabilities = probabilities

    @answering()
    def predict(self, batch: Batch) -> Outputs:
        """Answer every row; raises `ModelError` with the user's exception as the reason."""
        table = self._table(batch)
        outputs = _as_outputs(self.model.predict(table))
        if self._probabilities and PROBABILITIES not in outputs:
            outputs[PROBABILITIES] = np.asarray(self.model.predict_proba(table))
        return outputs

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """The parts that the object's own `stream` gives, where it has one; else one part."""
        if not callable(getattr(self.model, "stream", None)):
            yield self.predict(batch)
            return
        with foreign(f"The model failed on {batch.rows} rows", passing=ModelError):
            for part in self.model.stream(self._table(batch)):
                yield _as_outputs(part)

    def close(self) -> None:
        """Nothing is held beyond the object's memory."""


class PythonRuntime:
    """Loads Python code, or objects whose classes are code."""

    name = "python"
    preload: tuple[str, ...] = ("numpy", "pandas")

    def load(self, folder: Path, manifest: Manifest, form: str) -> PythonModel:
        """Load one form. Who may run it is decided before: this runs the author's code.

        Raises `ModelError` with the reason; `Untrusted` for a pickle with globals that the manifest does not name.
        """
        chosen = manifest.forms[form]
        content = verified_bytes(folder, manifest, chosen.path)
        if chosen.path.endswith(".py"):
            model = run_model_file(content, folder / chosen.path)
        else:
            model = unpickle(content, manifest.trusted_code)
        return wrap_model(model, manifest, chosen)


def wrap_model(model: Any, manifest: Manifest, form: Form) -> PythonModel:
    """The object as a model that takes the manifest's features; raises `ModelError` when it has no `predict`."""
    if not callable(getattr(model, "predict", None)):
        raise ModelError(f"Expected an object with a method predict, got a {type(model).__name__}.")
    probabilities = manifest.task == "classification" and callable(getattr(model, "predict_proba", None))
    return PythonModel(model, _plan_table(manifest, form), probabilities)


def run_model_file(content: bytes, path: Path) -> Any:
    """What the Python source calls `model`, after running it once as a module of its own.

    The module is compiled from these bytes: nothing is written beside the file.
    """
    module = types.ModuleType(f"headgate_model_{hashlib.sha256(content).hexdigest()[:16]}")
    module.__file__ = str(path)
    # classes defined in the file look themselves up here
    sys.modules[module.__name__] = module
    with foreign(f"{path.name} failed when it was run"):
        # the author's code; the bundle was signed by somebody who is trusted
        exec(compile(content, str(path), "exec"), module.__dict__)
    if not hasattr(module, "model"):
        raise ModelError(f"{path.name} should define `model`, an object with a method predict; it does not.")
    return module.model


def _plan_table(manifest: Manifest, form: Form) -> Table:
    features = manifest.signature.features
    kind = form.options.get("input") or _usual_table(manifest.signature)
    if kind == "matrix":
        return matrix_of
    if kind == "frame":
        return frame_maker(features)
    if kind == "columns":
        return lambda batch: dict(batch.columns)
    raise ModelError(f"The form's option input is {kind!r}, expected frame, matrix or columns.")


def _usual_table(signature: Signature) -> str:
    if matrix_dtype(signature) is not None:
        return "matrix"
    arrays = any(column.shape or column.dtype == "bytes" for column in signature.features)
    return "columns" if arrays or not has_pandas() else "frame"


def _as_outputs(answer: Any) -> dict[str, Array]:
    if not isinstance(answer, Mapping):
        return {PREDICTIONS: _plain(answer)}
    if PREDICTIONS not in answer:
        raise ModelError(f"predict answered a mapping with {sorted(map(str, answer))}, expected {PREDICTIONS!r} in it.")
    return {str(name): _plain(value) for name, value in answer.items()}


def _plain(answer: Any) -> Array:
    array = np.asarray(answer)
    return array.astype(object) if array.dtype.kind in "US" else array
