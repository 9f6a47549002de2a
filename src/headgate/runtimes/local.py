"""A bundle in this process: `headgate.load(bundle).predict(data)`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.fitting import require_fit
from headgate.bundle.manifest import LARGEST
from headgate.bundle.signing import TrustedKeys, load_or_create_key, require_trust, user_key_path
from headgate.errors import NotFound, SignatureMismatch
from headgate.records import Column, Signature
from headgate.runtimes.batch import Array
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.runtime import LoadedModel, Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES, check_outputs


class LocalModel:
    """A loaded bundle that takes data as the user has it."""

    def __init__(self, bundle: Bundle, model: LoadedModel, largest: float | None = None) -> None:
        self.bundle = bundle
        self._model = model
        self._largest = largest  # number that the form takes, on either side of 0

    def predict(self, data: Any) -> Array:
        """The predictions, [rows] or [rows, outputs].

        Data is a pandas or Polars frame, PyArrow table, NumPy matrix, dict of columns or list of rows. Raises
        `SignatureMismatch` for data that does not fit, `ModelError` when the model fails.
        """
        return self.answer(data)[PREDICTIONS]

    def predict_proba(self, data: Any) -> Array:
        """The probabilities, [rows, classes] in the order of the manifest's classes; raises `NotFound` without any."""
        outputs = self.answer(data)
        if PROBABILITIES not in outputs:
            raise NotFound(f"Model {self.bundle.manifest.name!r} answers no probabilities, only {sorted(outputs)}.")
        return outputs[PROBABILITIES]

    def answer(self, data: Any) -> Outputs:
        """All outputs by name, checked as an endpoint checks them."""
        manifest = self.bundle.manifest
        batch = batch_from_columns(manifest.signature, columns_of(data, manifest.signature))
        for column in manifest.signature.features:
            if column.closed:
                refuse_unseen(column, batch.columns[column.name])
            if self._largest is not None:
                refuse_larger(column, batch.columns[column.name], self._largest)
        outputs = self._model.predict(batch)
        check_outputs(outputs, batch.rows, manifest.task, manifest.classes)
        return outputs

    def close(self) -> None:
        """Give the model's memory back."""
        self._model.close()


def refuse_unseen(column: Column, values: Array) -> None:
    """Raises `SignatureMismatch` for a level that the model itself fails on, whatever its compiled form answers."""
    known = frozenset(column.categories or ())
    for row, value in enumerate(values.tolist()):
        if value is not None and value not in known:
            raise SignatureMismatch(
                f"In row {row}, column {column.name!r}: the model fails on categories that training did not see.",
                detail=[{"row": row, "column": column.name, "expected": "a category seen in training", "got": None}],
            )


def refuse_larger(column: Column, values: Array, largest: float) -> None:
    """Raises `SignatureMismatch` for a number for which the compiled form has not the original's answer."""
    if values.dtype.kind not in "iuf":
        return
    bad = (values > largest) | (values < -largest)
    if bad.any():
        row = int(np.argmax(bad.reshape(len(values), -1).any(axis=1)))
        expected = f"a number from {-largest:g} to {largest:g}, beyond which the model has no answer"
        raise SignatureMismatch(
            f"In row {row}, column {column.name!r}: expected {expected}.",
            detail=[{"row": row, "column": column.name, "expected": expected, "got": None}],
        )


def load(bundle: Bundle | Path | str, *, form: str = "", trusted: TrustedKeys | None = None) -> LocalModel:
    """Load a bundle, its folder or its `.hgb` file; `form` is "onnx" or "native", without it the one that serves.

    A bundle that runs its author's code must be signed by one of `trusted`, without it by the user's own key. Raises
    `Untrusted` otherwise, `EnvironmentMismatch` where its packages are not those installed here, and whatever opening
    and loading raise.
    """
    opened = bundle if isinstance(bundle, Bundle) else open_bundle(Path(bundle))
    require_trust(opened, trusted if trusted is not None else _own_key())
    chosen = form or opened.manifest.serves
    if chosen not in opened.manifest.forms:
        raise NotFound(f"The bundle has no form {chosen!r}; it has {sorted(opened.manifest.forms)}.")
    require_fit(opened.manifest, chosen)
    told = opened.manifest.forms[chosen]
    model = load_runtime(told.runtime).load(opened.folder, opened.manifest, chosen)
    return LocalModel(opened, model, float(told.options[LARGEST]) if LARGEST in told.options else None)


def _own_key() -> TrustedKeys:
    path = user_key_path(os.environ)
    return TrustedKeys().and_key(load_or_create_key(path)) if path.exists() else TrustedKeys()


def columns_of(data: Any, signature: Signature) -> Mapping[str, Sequence[Any] | Array]:
    """The features' columns of data in any accepted shape; raises `SignatureMismatch` for other data."""
    features = signature.features
    if isinstance(data, Mapping):
        return data
    if hasattr(data, "column_names") or hasattr(data, "columns"):
        present = set(getattr(data, "column_names", None) or data.columns)
        return {column.name: _column_of(data, column) for column in features if column.name in present}
    if _is_rows(data):
        return {column.name: [row.get(column.name) for row in data] for column in features}
    return _by_position(data, features)


def _is_rows(data: Any) -> bool:
    return isinstance(data, Sequence) and not isinstance(data, str) and bool(data) and isinstance(data[0], Mapping)


def _column_of(data: Any, column: Column) -> Sequence[Any] | Array:
    """A column of a pandas or Polars frame or of an Arrow table, null as None."""
    values = data[column.name]
    if hasattr(values, "to_pylist"):
        return list(values.to_pylist())
    if hasattr(values, "to_list") and not hasattr(values, "isna"):
        return list(values.to_list())
    array: Array = values.to_numpy()
    if array.dtype.kind != "O":
        return array
    return [None if null else value for value, null in zip(array.tolist(), values.isna().tolist(), strict=True)]


def _by_position(data: Any, features: Sequence[Column]) -> Mapping[str, Array]:
    # objects keep numbers numbers beside text
    mixed = isinstance(data, Sequence) and not isinstance(data, str)
    matrix = np.array(data, dtype=object) if mixed else np.asarray(data)
    if len(features) == 1 and matrix.ndim >= 1 and features[0].shape:
        return {features[0].name: matrix}
    if matrix.ndim != 2 or matrix.shape[1] != len(features):
        raise SignatureMismatch(
            f"Expected rows of {len(features)} features {[column.name for column in features]}, "
            f"got {type(data).__name__} of shape {matrix.shape}."
        )
    return {column.name: matrix[:, place] for place, column in enumerate(features)}
