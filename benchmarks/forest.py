"""The model of the measurements: a forest of 100 trees on 30 numbers, as everybody serves it.

One training, one scikit-learn file, and the two bundles that Headgate makes of it: compiled (its ONNX file is what
every contender on onnxruntime loads) and native.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import Bundle
from headgate.packaging.package import package

ENDPOINT = "forest"
ROWS = 400
# bytes of the JSON before a binary tensor, filled up with spaces
BINARY_HEADER = 192


@dataclass(frozen=True)
class Forest:
    """The files of the model, the names of its features, and rows with what the model says to them."""

    joblib: Path
    compiled: Bundle
    names: list[str]
    rows: list[list[float]]
    labels: list[int]

    @property
    def onnx(self) -> Path:
        """The compiled form's file."""
        return self.compiled.folder / self.compiled.manifest.forms["onnx"].path


def make_forest(folder: Path, trees: int = 100, seed: int = 0) -> Forest:
    """Train, and package the compiled form."""
    from sklearn.ensemble import RandomForestClassifier

    return _made(folder, RandomForestClassifier(n_estimators=trees, max_depth=8, random_state=seed, n_jobs=1))


def make_linear(folder: Path) -> Forest:
    """The same with a model that takes next to no time, so that what is measured is everything else."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _made(folder, make_pipeline(StandardScaler(), LogisticRegression()))


def _made(folder: Path, estimator: Any) -> Forest:
    import joblib
    from sklearn.datasets import load_breast_cancer

    folder.mkdir(parents=True, exist_ok=True)
    data = load_breast_cancer()
    matrix: np.ndarray[Any, Any] = data.data
    names = [name.replace(" ", "_") for name in data.feature_names]
    estimator.fit(matrix, data.target)
    path = folder / "forest.joblib"
    joblib.dump(estimator, path)
    sample = matrix[:ROWS]
    bundle = package(path, name=ENDPOINT, data=frame(names, matrix), output=folder / "compiled")
    if bundle.manifest.serves != "onnx":
        raise RuntimeError(f"expected the model to be compiled: {bundle.manifest.serves_because}")
    return Forest(path, bundle, names, sample.tolist(), estimator.predict(sample).tolist())


def native_bundle(forest: Forest, folder: Path) -> Bundle:
    """The same model, left in scikit-learn."""
    data = frame(forest.names, np.array(forest.rows))
    return package(forest.joblib, name=ENDPOINT, data=data, output=folder, compile=False)


def frame(names: list[str], matrix: np.ndarray[Any, Any]) -> Any:
    """Rows with names, as data to package with."""
    return [dict(zip(names, row, strict=True)) for row in matrix.tolist()]


def instances(forest: Forest, begin: int, count: int) -> bytes:
    """Positional rows as the body of a request."""
    return json.dumps({"instances": forest.rows[begin : begin + count]}).encode()


def named_rows(forest: Forest, begin: int, count: int) -> bytes:
    """Rows with names as the body of a request."""
    rows = forest.rows[begin : begin + count]
    return json.dumps({"rows": [dict(zip(forest.names, row, strict=True)) for row in rows]}).encode()


def binary_tensor(forest: Forest, begin: int, count: int) -> bytes:
    """Rows as one binary tensor, behind JSON of BINARY_HEADER bytes, that asks for binary answers."""
    blob = np.array(forest.rows[begin : begin + count]).tobytes()
    given = {
        "name": "input",
        "shape": [count, len(forest.names)],
        "datatype": "FP64",
        "parameters": {"binary_data_size": len(blob)},
    }
    head = json.dumps({"inputs": [given], "parameters": {"binary_data_output": True}}).encode()
    return head.ljust(BINARY_HEADER) + blob


def tensor(forest: Forest, begin: int, count: int, datatype: str = "FP64") -> bytes:
    """Rows as one tensor of the open inference protocol."""
    rows = forest.rows[begin : begin + count]
    given = {
        "name": "input",
        "shape": [count, len(forest.names)],
        "datatype": datatype,
        "data": [value for row in rows for value in row],
    }
    return json.dumps({"inputs": [given]}).encode()
