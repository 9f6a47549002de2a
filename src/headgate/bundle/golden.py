"""Golden requests: rows with the answers that the model gave when it was packaged."""

from pathlib import Path

import msgspec

from headgate.bundle.manifest import GOLDEN
from headgate.errors import Malformed
from headgate.records import Record, Scalar


class Tolerance(Record, frozen=True, kw_only=True):
    """How far an answered number may be off: `absolute + relative * |expected|`."""

    absolute: float = 1e-6
    relative: float = 1e-5


class GoldenInputs(Record, frozen=True, kw_only=True):
    """The rows, by column; null stands for missing, bytes are base64, times are ISO 8601."""

    columns: dict[str, list[Scalar | list[object]]]


class GoldenOutputs(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What the original answered, row by row."""

    predictions: list[Scalar | list[object]]
    probabilities: list[list[float]] | None = None


class Golden(Record, frozen=True, kw_only=True):
    """The content of `golden.json`."""

    format: int = 1
    inputs: GoldenInputs
    outputs: GoldenOutputs
    tolerance: Tolerance = Tolerance()

    @property
    def rows(self) -> int:
        return len(self.outputs.predictions)


def read_golden(folder: Path) -> Golden:
    """The golden requests of an unpacked bundle; raises `Malformed` naming the file."""
    path = folder / GOLDEN
    try:
        return msgspec.json.decode(path.read_bytes(), type=Golden)
    except (OSError, msgspec.DecodeError) as error:
        raise Malformed(f"{path} is not a golden file: {error}. Package the model again.") from error
