"""The model as a peer's server calls it: rows → labels and probabilities. Needs numpy and what the file needs."""

from collections.abc import Callable
from typing import Any

import numpy as np

Predict = Callable[[Any], tuple[Any, Any]]


def load_model(path: str) -> Predict:
    """The ONNX or scikit-learn file as one call; onnxruntime on one thread."""
    if path.endswith(".onnx"):
        return _onnx(path)
    import joblib

    forest = joblib.load(path)

    def predict(rows: Any) -> tuple[Any, Any]:
        chances = forest.predict_proba(np.asarray(rows, np.float64))
        return forest.classes_[chances.argmax(axis=1)], chances

    return predict


def _onnx(path: str) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    dtype = np.float64 if given.type == "tensor(double)" else np.float32

    def run(rows: Any) -> tuple[Any, Any]:
        labels, chances = session.run(None, {given.name: np.asarray(rows, dtype)})
        return labels, chances

    return run


def answer(predict: Predict, rows: Any) -> dict[str, Any]:
    """Rows as JSON has them → the answer as JSON has it."""
    labels, chances = predict(rows)
    return {"predictions": labels.tolist(), "probabilities": chances.tolist()}
