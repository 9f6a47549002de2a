"""LitServe: `python -m benchmarks.peers.litserve_server --port P --model M [--batching]`."""

import argparse
from typing import Any

import litserve
from benchmarks.peers.model import answer, load_model

Rows = list[list[float]]


class Forest(litserve.LitAPI):  # type: ignore[misc]  # LitServe is not where types are checked
    """One call a request, or one call a batch of requests."""

    def __init__(self, model: str, **options: Any) -> None:
        super().__init__(**options)
        self.file = model

    def setup(self, device: str) -> None:
        self.predict_rows = load_model(self.file)

    def decode_request(self, request: dict[str, Any]) -> Rows:
        rows: Rows = request["instances"]
        return rows

    def predict(self, rows: Rows) -> dict[str, Any]:
        return answer(self.predict_rows, rows)


class Batching(Forest):
    """Requests of any number of rows in one call."""

    def batch(self, inputs: list[Rows]) -> list[Rows]:
        return inputs

    def predict(self, requests: list[Rows]) -> list[dict[str, Any]]:  # type: ignore[override]  # a batch, as LitServe has it
        found = answer(self.predict_rows, [row for rows in requests for row in rows])
        answers = []
        begin = 0
        for rows in requests:
            end = begin + len(rows)
            answers.append({name: values[begin:end] for name, values in found.items()})
            begin = end
        return answers

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return output


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--batching", action="store_true")
    chosen = parser.parse_args()
    forest = Batching(chosen.model, max_batch_size=32, batch_timeout=0.001) if chosen.batching else Forest(chosen.model)
    server = litserve.LitServer(forest, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=chosen.port, generate_client_file=False)


if __name__ == "__main__":
    main()
