"""Golden requests: rows with the answers that the model gave when it was packaged."""

from pathlib import Path

import msgspec

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import GOLDEN, Manifest
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


_goldens = msgspec.json.Decoder(Golden)


def read_golden(folder: Path, manifest: Manifest) -> Golden:
    """The golden requests of an unpacked bundle: the bytes that were packaged. Raises `Corrupt` or `Malformed`."""
    content = verified_bytes(folder, manifest, GOLDEN)
    try:
        return _goldens.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{folder / GOLDEN} is not a golden file: {error}. Package the model again.") from error
