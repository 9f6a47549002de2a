"""ONNX models on onnxruntime: nothing spins, only the needed outputs are computed.

A model takes one matrix [rows, features] in signature order, or one input per feature named like it. Outputs named
`predictions` and `probabilities` are taken as they are; a model from elsewhere is read by the types of its outputs, or
by the form's options `predictions` and `probabilities` (names of outputs). One thread runs a call, unless the option
`threads` says how many share it. Missing text reaches the model as "None", which is how onnxruntime spells it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest
from headgate.errors import ModelError
from headgate.records import Column
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.boundary import answering
from headgate.runtimes.onnx_session import open_session, threads_of
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES
from headgate.runtimes.weights import weights_beside

Feed = Callable[[Batch], dict[str, Array]]
Read = Callable[[list[Any]], Outputs]

DTYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32), "tensor(double)": np.dtype(np.float64), "tensor(bool)": np.dtype(bool),
    "tensor(int8)": np.dtype(np.int8), "tensor(int16)": np.dtype(np.int16), "tensor(int32)": np.dtype(np.int32),
    "tensor(int64)": np.dtype(np.int64), "tensor(uint8)": np.dtype(np.uint8), "tensor(uint16)": np.dtype(np.uint16),
    "tensor(uint32)": np.dtype(np.uint32), "tensor(uint64)": np.dtype(np.uint64), "tensor(string)": np.dtype(object),
    "tensor(float16)": np.dtype(np.float16),
}  # fmt: skip
CHANCES = {"tensor(float)", "tensor(double)", "tensor(float16)"}


class OnnxModel:
    """A session with all names looked up beforehand."""

    device = "cpu"

    def __init__(self, session: Any, feed: Feed, wanted: list[str], read: Read) -> None:
        self._session = session
        # The public run() checks the names of every call again, 0.8 of 6.2 µs; ours are fixed at load.
        self._run = session._sess.run
        self._feed = feed
        self._wanted = wanted
        self._read = read

    @answering("The ONNX model failed", str)
    def predict(self, batch: Batch) -> Outputs:
        """Answer every row; raises `ModelError` with onnxruntime's reason."""
        return self._read(self._run(self._wanted, self._feed(batch), None))

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """One part."""
        yield self.predict(batch)

    def close(self) -> None:
        """Drop the session; predict fails afterwards."""
        self._session = self._run = None


class OnnxRuntime:
    """Loads ONNX files."""

    name = "onnx"
    preload: tuple[str, ...] = ("onnxruntime",)

    def load(self, folder: Path, manifest: Manifest, form: str) -> OnnxModel:
        """Load one form; raises `ModelError` when onnxruntime refuses it or it does not fit the signature."""
        chosen = manifest.forms[form]
        content = verified_bytes(folder, manifest, chosen.path)
        weights = weights_beside(content, folder, manifest, chosen.path)
        session = open_session(content, weights, threads=threads_of(chosen.options))
        feed = plan_inputs(session.get_inputs(), manifest.signature.features)
        wanted, read = _plan_outputs(session.get_outputs(), manifest, chosen.options)
        return OnnxModel(session, feed, wanted, read)


def plan_inputs(inputs: Sequence[Any], features: Sequence[Column]) -> Feed:
    """How a batch becomes the session's inputs; raises `ModelError` where they are no columns or matrix."""
    for given in inputs:
        if given.type not in DTYPES:
            raise ModelError(f"Input {given.name!r} is a {given.type}, which cannot be fed from columns.")
    if len(inputs) == 1 and _takes_matrix(inputs[0], features):
        return _matrix_feed(inputs[0].name, DTYPES[inputs[0].type])
    by_name = {column.name: column for column in features}
    if len(inputs) == len(features) == 1:
        by_name = {inputs[0].name: features[0]}
    return _column_feed([_plan_column(given, by_name) for given in inputs])


def _plan_column(given: Any, features: Mapping[str, Column]) -> tuple[str, Column, np.dtype[Any], int]:
    if given.name not in features:
        raise ModelError(f"Input {given.name!r} of the ONNX model is no feature of the signature: {list(features)}.")
    return given.name, features[given.name], DTYPES[given.type], len(given.shape)


def _takes_matrix(given: Any, features: Sequence[Column]) -> bool:
    if any(column.shape for column in features) or len(given.shape) != 2:
        return False
    width = given.shape[1]
    if isinstance(width, int) and width != len(features):
        raise ModelError(f"The ONNX model takes {width} features, the signature has {len(features)}.")
    return True


def _matrix_feed(name: str, dtype: np.dtype[Any]) -> Feed:
    def feed(batch: Batch) -> dict[str, Array]:
        matrix = batch.matrix
        if matrix is None:
            matrix = np.empty((batch.rows, len(batch.names)), dtype)
            for place, column in enumerate(batch.columns.values()):
                matrix[:, place] = column
        elif matrix.dtype != dtype:
            matrix = _cast(matrix, dtype)
        return {name: matrix}

    return feed


def _column_feed(plan: Sequence[tuple[str, Column, np.dtype[Any], int]]) -> Feed:
    def feed(batch: Batch) -> dict[str, Array]:
        fed = {}
        for name, column, dtype, rank in plan:
            array = batch.columns[column.name]
            if array.dtype != dtype:
                array = _cast(array, dtype)
            # one column as [rows, 1], the way converters declare it
            fed[name] = array.reshape(-1, 1) if rank == 2 and array.ndim == 1 else array
        return fed

    return feed


def _cast(array: Array, dtype: np.dtype[Any]) -> Array:
    # what is too large for float32 is infinity to a float32 model
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _plan_outputs(outputs: Sequence[Any], manifest: Manifest, options: dict[str, str]) -> tuple[list[str], Read]:
    """Which outputs to compute, and how they become ours."""
    labels, chances = _find_outputs(outputs, manifest, options)
    wanted = [output.name for output in (labels, chances) if output is not None]
    to_class = _class_reader(labels, manifest.classes) if manifest.task == "classification" and labels else _plain
    to_chances = _chance_reader(chances, manifest.classes)
    class_names = _class_array(manifest.classes)

    def read_label(answers: list[Any]) -> Outputs:
        return {PREDICTIONS: to_class(_flat(answers[0]))}

    def read_both(answers: list[Any]) -> Outputs:
        return {PREDICTIONS: to_class(_flat(answers[0])), PROBABILITIES: to_chances(answers[1])}

    def read_chances(answers: list[Any]) -> Outputs:
        chances = to_chances(answers[0])
        return {PREDICTIONS: class_names[chances.argmax(axis=1)], PROBABILITIES: chances}

    if labels is None:
        return wanted, read_chances
    return wanted, read_label if chances is None else read_both


def _find_outputs(outputs: Sequence[Any], manifest: Manifest, options: dict[str, str]) -> tuple[Any, Any]:
    """The outputs with the predictions and with the probabilities, None where there is none."""
    labels = _named(PREDICTIONS, outputs, options)
    chances = _named(PROBABILITIES, outputs, options)
    if manifest.task != "classification":
        return labels or outputs[0], None
    labels = labels or _first(outputs, lambda kind: kind in DTYPES and kind not in CHANCES)
    chances = chances or _first(outputs, lambda kind: kind in CHANCES or kind.startswith("seq("))
    return labels, None if chances is labels else chances


def _named(role: str, outputs: Sequence[Any], options: dict[str, str]) -> Any:
    """The output that the options name for a role, or that is named like it."""
    named = {output.name: output for output in outputs}
    if role in options and options[role] not in named:
        raise ModelError(f"The ONNX model has no output {options[role]!r}; it has {sorted(named)}.")
    return named.get(options.get(role, role))


def _first(outputs: Sequence[Any], fits: Callable[[str], bool]) -> Any:
    return next((output for output in outputs if fits(output.type)), None)


def _class_reader(labels: Any, classes: Sequence[Any]) -> Callable[[Array], Array]:
    """From the model's labels to the classes: converters make numbers of booleans, and indexes where they must."""
    names = _class_array(classes)
    if labels.type == "tensor(string)":
        return _plain if names.dtype == object or not classes else _text_reader(classes)
    if names.dtype == object:
        return lambda array: names[array]
    return _plain if not classes or names.dtype == DTYPES[labels.type] else lambda array: array.astype(names.dtype)


def _text_reader(classes: Sequence[Any]) -> Callable[[Array], Array]:
    by_text = {str(name): name for name in classes}
    return lambda array: np.array([by_text[text] for text in array.tolist()])


def _chance_reader(chances: Any, classes: Sequence[Any]) -> Callable[[Any], Array]:
    if chances is not None and chances.type.startswith("seq("):
        return lambda rows: np.array([list(row.values()) for row in rows], dtype=np.float32)
    if len(classes) == 2:
        return _both_chances
    return _plain


def _both_chances(array: Array) -> Array:
    """[rows, 2] from a model that gives the second class's probability alone."""
    if array.ndim == 2 and array.shape[1] == 2:
        return array
    second = array.reshape(-1, 1)
    return np.hstack([1 - second, second])


def _class_array(classes: Sequence[Any]) -> Array:
    return np.array(classes, dtype=object if any(isinstance(name, str) for name in classes) else None)


def _flat(array: Array) -> Array:
    """[rows] where the model gives [rows, 1]."""
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array


def _plain(value: Array) -> Array:
    return value
