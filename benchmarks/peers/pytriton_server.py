"""Triton through nvidia-pytriton: `python -m benchmarks.peers.pytriton_server --port P --model M [--no-batching]`."""

import argparse
import socket
from typing import Any

import numpy as np
from benchmarks.peers.model import Predict, load_model
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

FEATURES = 30


def batching(model: Predict) -> Any:
    """A function that is given the batch that Triton has made."""

    def infer(requests: list[Any]) -> list[dict[str, Any]]:
        rows = np.concatenate([request["input"] for request in requests])
        labels = np.asarray(model(rows)[0], np.int64).reshape(-1, 1)
        answers = []
        begin = 0
        for request in requests:
            end = begin + len(request["input"])
            answers.append({"predictions": labels[begin:end]})
            begin = end
        return answers

    return infer


def single(model: Predict) -> Any:
    """A function that is given one request."""

    def infer(requests: list[Any]) -> list[dict[str, Any]]:
        return [
            {"predictions": np.asarray(model(request["input"])[0], np.int64).reshape(-1, 1)} for request in requests
        ]

    return infer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--no-batching", action="store_true")
    chosen = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = listener.getsockname()[1]
    config = TritonConfig(
        http_address="127.0.0.1", http_port=chosen.port, grpc_address="127.0.0.1", grpc_port=other, allow_metrics=False,
    )  # fmt: skip
    model = load_model(chosen.model)
    row = (-1, FEATURES) if chosen.no_batching else (FEATURES,)
    with Triton(config=config) as triton:
        triton.bind(
            model_name="forest",
            infer_func=single(model) if chosen.no_batching else batching(model),
            inputs=[Tensor(name="input", dtype=np.float64, shape=row)],
            outputs=[Tensor(name="predictions", dtype=np.int64, shape=(-1, 1) if chosen.no_batching else (1,))],
            config=ModelConfig(batching=not chosen.no_batching, max_batch_size=256, batcher=DynamicBatcher()),
        )
        triton.serve()


if __name__ == "__main__":
    main()
