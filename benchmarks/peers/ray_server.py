"""Ray Serve, one replica, no dashboard: `python -m benchmarks.peers.ray_server --port P --model M [--batching]`."""

import argparse
import signal
from typing import Any

import ray
from benchmarks.peers.model import answer, load_model
from ray import serve


class Forest:
    """One call a request."""

    def __init__(self, model: str) -> None:
        self._model = load_model(model)

    async def __call__(self, request: Any) -> dict[str, Any]:
        return answer(self._model, (await request.json())["instances"])


class Batching:
    """One call for what `serve.batch` collects at its defaults."""

    def __init__(self, model: str) -> None:
        self._model = load_model(model)

    async def __call__(self, request: Any) -> Any:
        return await self.together((await request.json())["instances"])

    async def together(self, requests: list[list[list[float]]]) -> list[dict[str, Any]]:
        found = answer(self._model, [row for rows in requests for row in rows])
        answers = []
        begin = 0
        for rows in requests:
            end = begin + len(rows)
            answers.append({name: values[begin:end] for name, values in found.items()})
            begin = end
        return answers

    together = serve.batch(together)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--batching", action="store_true")
    chosen = parser.parse_args()
    ray.init(include_dashboard=False, _node_ip_address="127.0.0.1", num_cpus=2)
    serve.start(http_options={"host": "127.0.0.1", "port": chosen.port})
    deployment = serve.deployment(Batching if chosen.batching else Forest)
    serve.run(deployment.bind(chosen.model), route_prefix="/predict")
    ended = signal.sigwait({signal.SIGTERM, signal.SIGINT})
    print("stopping on", ended, flush=True)  # noqa: T201 (the server's log)
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
