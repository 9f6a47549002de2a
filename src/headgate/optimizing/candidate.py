"""One way to change a compiled model, and what became of it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from headgate.bundle.manifest import Parity

AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Candidate:
    """A variant of the model's graph; one that could not be made says why."""

    name: str  # what users choose it by
    content: bytes = b""  # the ONNX file
    options: dict[str, str] = field(default_factory=dict)  # of the form
    refused: str = ""


class Measured(NamedTuple):
    """What a candidate does on this machine and on the given rows."""

    candidate: Candidate
    one: float  # seconds for one row
    many: float  # seconds for a thousand rows
    size: int  # bytes
    metric: float  # the one that decides, on the holdout; NaN where its true answers are not known
    parity: Parity  # against the model as it is
    best: bool = False  # no other candidate is better in one respect and as good in all
