"""The parts of a streamed answer, put together again."""

from collections.abc import Iterable, Sequence

import numpy as np

from headgate.errors import ModelError
from headgate.runtimes.batch import Array
from headgate.runtimes.runtime import Outputs


def joined(parts: Iterable[Outputs]) -> Outputs:
    """One answer: text, row by row, one part's after the other's; numbers come in one part only."""
    found = list(parts)
    if not found:
        raise ModelError("The model answered no part at all.")
    if len(found) == 1:
        return found[0]
    return {name: _joined_column(name, [part[name] for part in found]) for name in found[0]}


def _joined_column(name: str, arrays: Sequence[Array]) -> Array:
    if any(array.dtype.kind != "O" for array in arrays):
        raise ModelError(f"The model answered {name} in {len(arrays)} parts; only text can be put together.")
    whole: Array = np.empty(len(arrays[0]), object)
    whole[:] = ["".join(cells) for cells in zip(*(array.tolist() for array in arrays), strict=True)]
    return whole
