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
    import joblib
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier

    folder.mkdir(parents=True, exist_ok=True)
    data = load_breast_cancer()
    matrix: np.ndarray[Any, Any] = data.data
    names = [name.replace(" ", "_") for name in data.feature_names]
    forest = RandomForestClassifier(n_estimators=trees, max_depth=8, random_state=seed, n_jobs=1)
    forest.fit(matrix, data.target)
    path = folder / "forest.joblib"
    joblib.dump(forest, path)
    sample = matrix[:ROWS]
    bundle = package(path, name=ENDPOINT, data=frame(names, matrix), output=folder / "compiled")
    if bundle.manifest.serves != "onnx":
        raise RuntimeError(f"expected the forest to be compiled: {bundle.manifest.serves_because}")
    return Forest(path, bundle, names, sample.tolist(), forest.predict(sample).tolist())


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
