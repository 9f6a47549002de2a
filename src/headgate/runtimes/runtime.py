"""The contract of a runtime: how a framework's model is loaded and called. Nothing else is in this file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from headgate.bundle.manifest import Manifest
from headgate.runtimes.batch import Batch

# "predictions" [rows] or [rows, outputs], and for classifiers "probabilities" [rows, classes]
Outputs = Mapping[str, np.ndarray[Any, Any]]


class LoadedModel(Protocol):
    """A model that answers. Errors of the framework leave as `ModelError`."""

    device: str  # "cpu", "cuda:0"

    def predict(self, batch: Batch) -> Outputs:
        """Answer every row of the batch, in order."""
        ...

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """Answer in parts, each with all rows: text and bytes go on where the part before it ended, all else is newer
        than the part before it, and the last part is what is recorded.

        A model that does not stream gives one part.
        """
        ...

    def close(self) -> None:
        """Give memory, threads and devices back."""
        ...


class Runtime(Protocol):
    """The adapter of one framework."""

    name: str
    # what a template process imports before it forks model hosts; one that has an `environment`, a mapping, has it put
    # in force there before
    preload: tuple[str, ...]

    def load(self, folder: Path, manifest: Manifest, form: str) -> LoadedModel:
        """Load one form of an unpacked, verified bundle; raises `ModelError` with the framework's reason."""
        ...
