"""What KServe's own REST client sees of a server with the endpoint `fraud`: `python kserve_rest.py HOST:PORT`."""

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import (
    InferenceRESTClient,
    InferInput,
    InferRequest,
    RESTConfig,
)

ROWS = np.array([[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]])


def request(binary: bool) -> Any:
    """The rows as one tensor."""
    given = InferInput("input", list(ROWS.shape), "FP64")
    given.set_data_from_numpy(ROWS, binary_data=binary)
    more = {"parameters": {"binary_data_output": True}} if binary else {}
    return InferRequest("fraud", [given], request_id="mine", **more)


def told(answer: Any) -> Any:
    return [answer.id, *(output.as_numpy().tolist() for output in answer.outputs)]


async def ask(url: str) -> dict[str, Any]:
    """All that the client asks."""
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        found = {
            "json": told(await client.infer(url, request(binary=False), model_name="fraud")),
            "binary": told(await client.infer(url, request(binary=True), model_name="fraud")),
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model": [await client.is_model_ready(url, name) for name in ("fraud", "nobody")],
        }
        try:
            await client.infer(url, request(binary=False), model_name="nobody")
        except Exception as error:  # noqa: BLE001 (whichever it is, the test reads its text)
            found["unknown"] = str(error)
        return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(f"http://{sys.argv[1]}"))))  # noqa: T201 (it is what the test reads)
