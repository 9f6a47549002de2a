"""What was found in another product's model folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Note(NamedTuple):
    """One thing of the original: where it went, or why it could not be taken over."""

    what: str
    why: str


@dataclass(frozen=True)
class Found:
    """A model that can be packaged, and an account of the rest."""

    model: Path  # file or folder in a form that `headgate package` knows
    name: str = ""  # how the original calls it; empty where it does not
    # column → values, some rows that show what the model takes
    example: Mapping[str, list[object]] | None = None
    lineage: Mapping[str, str] = field(default_factory=dict)
    taken: tuple[Note, ...] = ()
    left: tuple[Note, ...] = ()
