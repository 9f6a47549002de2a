"""What MLflow's client of its scoring server sees of a server whose only endpoint is `fraud`: `python … HOST PORT`."""

import json
import sys
from typing import Any

import numpy as np
import pandas
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

ROWS = [[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]]


def ask(host: str, port: str) -> dict[str, Any]:
    """All that the client asks."""
    client = ScoringServerClient(host, port)
    client.wait_server_ready()
    frame = pandas.DataFrame(ROWS, columns=["age", "income", "balance"])

    def told(data: Any, **more: Any) -> Any:
        return client.invoke(data, **more).get_predictions("ndarray").tolist()

    found = {
        "frame": told(frame),
        "shuffled": told(frame[["income", "balance", "age"]], params={"any": 1}),
        "matrix": told(np.array(ROWS)),
        "version": client.get_version(),
    }
    try:
        client.invoke(frame[["age"]])
    except Exception as error:  # noqa: BLE001 (whichever it is, the test reads its text)
        found["bad"] = str(error)
    return found


if __name__ == "__main__":
    print(json.dumps(ask(*sys.argv[1:])))  # noqa: T201 (it is what the test reads)
