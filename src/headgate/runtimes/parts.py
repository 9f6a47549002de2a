"""The parts of a streamed answer, put together: what is recorded of it, and what whoever asks for all of it is sent."""

from collections.abc import Iterable, Sequence

import numpy as np

from headgate.errors import ModelError
from headgate.runtimes.batch import Array
from headgate.runtimes.runtime import Outputs


def joined(parts: Iterable[Outputs]) -> Outputs:
    """One answer. Text and bytes go on, row by row, where the part before ended; of all else the last part counts."""
    found = list(parts)
    if not found:
        raise ModelError("The model answered no part at all.")
    if any(part.keys() != found[0].keys() for part in found):
        raise ModelError("The model answered parts of different outputs.")
    return {name: _joined_column([part[name] for part in found]) for name in found[0]}


def _joined_column(arrays: Sequence[Array]) -> Array:
    goes_on = _piece_of(arrays)
    if len(arrays) == 1 or goes_on is None:
        return arrays[-1]
    whole: Array = np.empty(len(arrays[0]), object)
    whole[:] = [goes_on().join(cells) for cells in zip(*(array.tolist() for array in arrays), strict=True)]
    return whole


def _piece_of(arrays: Sequence[Array]) -> type[str] | type[bytes] | None:
    """What every cell of every part is, where that goes on."""
    if any(array.dtype.kind != "O" or array.ndim != 1 for array in arrays):
        return None
    kinds = {type(cell) for array in arrays for cell in array}
    return str if kinds == {str} else bytes if kinds == {bytes} else None
