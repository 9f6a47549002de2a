"""The model of Triton's own Python backend, called by `tritonserver`."""

import os
from typing import Any

import numpy as np
import triton_python_backend_utils as triton
from benchmarks.peers.model import load_model


class TritonPythonModel:
    """onnxruntime on each request of the batch together."""

    def initialize(self, _: Any) -> None:
        self._model = load_model(os.environ["FOREST_MODEL"])

    def execute(self, requests: list[Any]) -> list[Any]:
        given = [triton.get_input_tensor_by_name(request, "input").as_numpy() for request in requests]
        labels = np.asarray(self._model(np.concatenate(given))[0], np.int64).reshape(-1, 1)
        answers = []
        begin = 0
        for rows in given:
            end = begin + len(rows)
            answers.append(triton.InferenceResponse([triton.Tensor("predictions", labels[begin:end])]))
            begin = end
        return answers
