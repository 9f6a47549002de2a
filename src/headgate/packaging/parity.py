"""Does the compiled form answer as the original does?"""

import math

import numpy as np

from headgate.bundle.golden import Tolerance
from headgate.bundle.manifest import Parity
from headgate.runtimes.batch import Array
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS

TOLERANCE = Tolerance()


def compare_outputs(original: Outputs, compiled: Outputs) -> Parity:
    """Labels must be equal and numbers within tolerance, in every row of every output of the original."""
    rows = len(original[PREDICTIONS])
    differ, largest = 0, 0.0
    for name, ours in original.items():
        theirs = compiled.get(name)
        if theirs is None or theirs.shape != ours.shape:
            return Parity(rows=rows, labels_differ=rows, max_difference=0.0, tolerance=TOLERANCE.relative)
        if ours.dtype.kind == "f" and theirs.dtype.kind in "fiu":
            largest = max(largest, _distance(ours, theirs.astype(np.float64)))
        else:
            differ += _count_different(ours, theirs)
    return Parity(rows=rows, labels_differ=differ, max_difference=_power_above(largest), tolerance=TOLERANCE.relative)


def _power_above(difference: float) -> float:
    """The next power of ten: the digits below it differ from processor to processor."""
    return 0.0 if difference == 0 else float(f"1e{math.ceil(math.log10(difference))}")


def agrees(parity: Parity) -> bool:
    """Whether the compiled form may answer for the original."""
    return parity.labels_differ == 0 and parity.max_difference <= parity.tolerance


def reason_against(parity: Parity) -> str:
    """Why it may not; says nothing of the rows themselves."""
    if parity.labels_differ:
        return f"it answers {parity.labels_differ} of {parity.rows} compared rows differently"
    return f"its numbers are off by up to {parity.max_difference:.3g}, tolerance {parity.tolerance:g}"


def _count_different(ours: Array, theirs: Array) -> int:
    same = np.array(
        [_equal(a, b) for a, b in zip(ours.ravel().tolist(), theirs.ravel().tolist(), strict=True)], dtype=bool
    )
    return int(np.sum(~same.reshape(len(ours), -1).all(axis=1))) if len(ours) else 0


def _equal(ours: object, theirs: object) -> bool:
    return ours == theirs and isinstance(ours, str) == isinstance(theirs, str)


def _distance(ours: Array, theirs: Array) -> float:
    """Largest difference: relative where the original is beyond 1, absolute below; NaN only equals NaN."""
    both = np.isnan(ours) & np.isnan(theirs)
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))
    off = np.where(both | (ours == theirs), 0.0, np.nan_to_num(off, nan=1e300, posinf=1e300))
    return float(off.max()) if off.size else 0.0
