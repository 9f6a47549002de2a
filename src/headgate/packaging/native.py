"""The model as it was given, loaded by its runtime the way a host will load it, and asked through its signature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.manifest import Manifest
from headgate.errors import ModelError
from headgate.packaging.table import Table
from headgate.records import Signature
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.runtime import LoadedModel, Outputs
from headgate.runtimes.verify import PREDICTIONS

CHUNK = 10_000  # rows per call: bounds memory, not answers


@dataclass(frozen=True)
class Native:
    """One form of a draft bundle, ready to answer."""

    model: LoadedModel
    signature: Signature

    def batch(self, columns: Table | Mapping[str, Sequence[Any] | Array]) -> Batch:
        """The features as the runtime gets them; raises `SignatureMismatch` naming the column."""
        return batch_from_columns(self.signature, columns.columns if isinstance(columns, Table) else columns)

    def predict(self, columns: Table | Mapping[str, Sequence[Any] | Array]) -> Outputs:
        """Answers for all rows; raises `ModelError` with the framework's reason, or `SignatureMismatch`."""
        batch = self.batch(columns)
        parts = [self.model.predict(batch.slice(start, start + CHUNK)) for start in range(0, batch.rows, CHUNK)]
        if any(len(part.get(PREDICTIONS, ())) == 0 for part in parts):
            raise ModelError("The model answered no predictions for some rows; predict should answer one per row.")
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def load_form(folder: Path, manifest: Manifest, form: str) -> Native:
    """Load one form of the draft in this folder; raises `ModelError`."""
    model = load_runtime(manifest.forms[form].runtime).load(folder, manifest, form)
    return Native(model, manifest.signature)
