"""KServe's Python model server: `python -m benchmarks.peers.kserve_server --port P --model M`."""

import argparse
from typing import Any

import kserve
import kserve.protocol.rest.server
from benchmarks.peers.model import load_model
from kserve.utils.utils import get_predict_input, get_predict_response


class Loopback(kserve.protocol.rest.server.uvicorn.Config):  # type: ignore[misc]  # KServe is not where types are checked
    """KServe listens on every address and has no option against it."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **(options | {"host": "127.0.0.1"}))


class Forest(kserve.Model):  # type: ignore[misc]  # as above
    """One call a request, in the open inference protocol."""

    def __init__(self, model: str) -> None:
        super().__init__("forest")
        self._model = load_model(model)
        self.ready = True

    def predict(self, payload: Any, *_: Any, **__: Any) -> Any:
        return get_predict_response(payload, self._model(get_predict_input(payload))[0], self.name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    chosen = parser.parse_args()
    kserve.protocol.rest.server.uvicorn.Config = Loopback
    kserve.ModelServer(http_port=chosen.port, enable_grpc=False, workers=1).start([Forest(chosen.model)])


if __name__ == "__main__":
    main()
