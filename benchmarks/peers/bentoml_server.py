"""BentoML: `bentoml serve benchmarks.peers.bentoml_server:Forest` or `…:Batching`; FOREST_MODEL names the file."""

import os
from typing import Any

import bentoml
import numpy as np
from benchmarks.peers.model import answer, load_model


@bentoml.service
class Forest:
    """One call a request."""

    def __init__(self) -> None:
        self._model = load_model(os.environ["FOREST_MODEL"])

    def predict(self, instances: list[list[float]]) -> dict[str, Any]:
        return answer(self._model, instances)

    predict = bentoml.api(predict)


@bentoml.service
class Batching:
    """Adaptive batching at its defaults."""

    def __init__(self) -> None:
        self._model = load_model(os.environ["FOREST_MODEL"])

    def predict(self, instances: np.ndarray) -> np.ndarray:
        labels: np.ndarray[Any, Any] = self._model(instances)[0]
        return labels

    predict = bentoml.api(predict, batchable=True)
