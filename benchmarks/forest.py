"""The model of the measurements: a forest of 100 trees on 30 numbers, as ONNX, and as a bundle with a route table."""

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest
from headgate.home import Home
from headgate.records import Column, Signature
from headgate.testing.bundles import MODEL_FILE, publish, route_table, write_bundle

ENDPOINT = "forest"


@dataclass(frozen=True)
class Forest:
    """The model's file, the names of its features, and rows with what the model says to them."""

    model: Path
    names: list[str]
    rows: list[list[float]]
    labels: list[int]


def make_forest(home: Home) -> Forest:
    """Train, convert, and publish the bundle in a node's home."""
    from skl2onnx import to_onnx
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier

    data = load_breast_cancer()
    matrix: np.ndarray[Any, Any] = data.data
    forest = RandomForestClassifier(n_estimators=100, max_depth=8, random_state=0, n_jobs=1).fit(matrix, data.target)
    converted = to_onnx(forest, matrix[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()
    names = [name.replace(" ", "_") for name in data.feature_names]
    sample = matrix[:200]
    golden = {
        "inputs": {"columns": {name: sample[:5, place].tolist() for place, name in enumerate(names)}},
        "outputs": {"predictions": forest.predict(sample[:5]).tolist()},
    }
    inputs = tuple(Column(name=name, dtype="float64") for name in names)
    outputs = (
        Column(name="predictions", dtype="int64"),
        Column(name="probabilities", dtype="float32", shape=(2,)),
    )
    manifest = Manifest(
        name=ENDPOINT,
        framework="scikit-learn",
        task="classification",
        classes=(0, 1),
        signature=Signature(inputs=inputs, outputs=outputs),
        forms={"onnx": Form(runtime="onnx", path=MODEL_FILE)},
        serves="onnx",
        environment=Environment(python=platform.python_version().rpartition(".")[0]),
        files={},
    )
    bundle = write_bundle(home.cache, manifest, {MODEL_FILE: converted, GOLDEN: json.dumps(golden).encode()})
    publish(home, route_table(bundle, ENDPOINT))
    return Forest(bundle.folder / MODEL_FILE, names, sample.tolist(), forest.predict(sample).tolist())
