"""What OpenVINO's client of TensorFlow Serving's REST API sees of the endpoint `fraud`: `python … HOST:PORT`."""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from ovmsclient import make_http_client

ROWS = np.array([[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]])
COLUMNS = dict(zip(("age", "income", "balance"), ROWS.T, strict=True))


def error_of(call: Callable[[], Any]) -> list[str]:
    """What it raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 (whichever it is, the test reads it)
        return [type(error).__name__, str(error)]
    return []


def ask(address: str) -> dict[str, Any]:
    """All that the client asks."""
    client = make_http_client(address)

    def predictions(inputs: Any, version: int = 0) -> Any:
        return client.predict(inputs, "fraud", version)["predictions"].tolist()

    return {
        "columns": predictions(COLUMNS),
        "lists": predictions({name: column.tolist() for name, column in COLUMNS.items()}, 1),
        "matrix": predictions({"any": ROWS}),
        "status": client.get_model_status("fraud"),
        "metadata": client.get_model_metadata("fraud"),
        "unknown": error_of(lambda: client.predict(COLUMNS, "nobody")),
        "version": error_of(lambda: client.predict(COLUMNS, "fraud", 7)),
        "status of nobody": error_of(lambda: client.get_model_status("nobody")),
        "bad": error_of(lambda: client.predict({"age": ["old"]}, "fraud")),
    }


if __name__ == "__main__":
    print(json.dumps(ask(sys.argv[1])))  # noqa: T201 (it is what the test reads)
