"""Is what a model answered an answer, and is it the one that it gave when it was packaged?"""

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from headgate.bundle.golden import Golden, Tolerance
from headgate.bundle.manifest import Manifest
from headgate.errors import ModelOutputInvalid
from headgate.records import Column, Task
from headgate.runtimes.batch import Array
from headgate.runtimes.columns import batch_from_columns, fits_shape
from headgate.runtimes.runtime import LoadedModel, Outputs

PREDICTIONS, PROBABILITIES = "predictions", "probabilities"
FEW = 32


def check_outputs(outputs: Outputs, rows: int, task: Task, classes: Sequence[Any]) -> None:
    """Right names, right number of rows and classes, no NaN or infinity; raises `ModelOutputInvalid`.

    On the request path: a few microseconds.
    """
    if PREDICTIONS not in outputs:
        raise ModelOutputInvalid(f"The model answered {sorted(outputs)}, expected {PREDICTIONS!r}.")
    for name, array in outputs.items():
        if array.ndim == 0 or array.shape[0] != rows:
            raise ModelOutputInvalid(f"The model answered {name} of shape {array.shape} for {rows} rows.")
        if not _finite(array):
            raise ModelOutputInvalid(f"The model answered NaN or infinity in {name}, row {_first_infinite(array)}.")
    probabilities = outputs.get(PROBABILITIES)
    if probabilities is not None and task == "classification" and classes:
        expected = (rows, len(classes))
        if probabilities.shape != expected:
            raise ModelOutputInvalid(f"The model answered {PROBABILITIES} of {probabilities.shape}, not {expected}.")


def check_declared(outputs: Outputs, declared: Sequence[Column]) -> None:
    """Shapes, and numbers where numbers are declared; raises `ModelOutputInvalid`.

    For models in plain code: a compiled one cannot answer anything else.
    """
    for column in declared:
        array = outputs.get(column.name)
        if array is None:
            continue
        shape = array.shape[1:]
        if not fits_shape(shape, column.shape):
            raise ModelOutputInvalid(
                f"The model answered {column.name} of shape {shape} a row, its signature says {column.shape}."
            )
        if column.dtype not in ("string", "bytes", "datetime") and not _numeric(array):
            raise ModelOutputInvalid(
                f"The model answered {column.name} of {array.dtype}, its signature says {column.dtype}."
            )


def _numeric(array: Array) -> bool:
    if array.dtype.kind == "O":
        return all(isinstance(value, int | float | np.number) for value in array.flat)
    return array.dtype.kind in "biuf"


def _finite(array: Array) -> bool:
    kind = array.dtype.kind
    if kind == "O":
        # only NaN differs from itself
        return all(value is not None and value == value for value in array.flat)
    if kind not in "fc":
        return True
    if kind == "f" and array.size <= FEW:
        # for few numbers, leaving NumPy is faster than staying
        return all(map(math.isfinite, array.ravel().tolist()))
    return bool(np.isfinite(array).all())


def _first_infinite(array: Array) -> int:
    rows = (row for row in range(len(array)) if not _finite(array[row : row + 1]))
    return next(rows, 0)


def verify_golden(model: LoadedModel, manifest: Manifest, golden: Golden) -> None:
    """Ask the golden requests and compare; raises `ModelOutputInvalid` naming row and output, or `ModelError`.

    There are none where the model takes no made-up value of a sensitive column.
    """
    if not golden.rows:
        return
    outputs = model.predict(batch_from_columns(manifest.signature, golden.inputs.columns))
    check_outputs(outputs, golden.rows, manifest.task, manifest.classes)
    compare(PREDICTIONS, outputs[PREDICTIONS], golden.outputs.predictions, golden.tolerance)
    if golden.outputs.probabilities is not None:
        if PROBABILITIES not in outputs:
            raise ModelOutputInvalid(f"The model answered no {PROBABILITIES}, the golden requests have them.")
        compare(PROBABILITIES, outputs[PROBABILITIES], golden.outputs.probabilities, golden.tolerance)


def compare(name: str, answered: Array, expected: Sequence[Any], tolerance: Tolerance) -> None:
    """Numbers within tolerance, everything else equal; raises `ModelOutputInvalid` naming the first row that is not."""
    for row, (got, wanted) in enumerate(zip(answered.tolist(), expected, strict=True)):
        if not _agrees(got, wanted, tolerance):
            raise ModelOutputInvalid(
                f"Golden request {row}: expected {name} {wanted!r}, got {got!r}, "
                f"tolerance {tolerance.absolute:g} absolute and {tolerance.relative:g} relative.",
                detail=[{"row": row, "column": name, "expected": wanted, "got": got}],
            )


def _agrees(got: Any, wanted: Any, tolerance: Tolerance) -> bool:
    if isinstance(wanted, list):
        return (
            isinstance(got, list)
            and len(got) == len(wanted)
            and all(_agrees(*pair, tolerance) for pair in zip(got, wanted, strict=True))
        )
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        # an exact comparison first: a whole number may be too large for a float
        return got == wanted or abs(got - wanted) <= tolerance.absolute + tolerance.relative * abs(wanted)
    if isinstance(got, bytes):
        # as golden requests spell them
        return bool(base64.b64encode(got).decode() == wanted)
    return bool(got == wanted)
