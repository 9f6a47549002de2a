"""What KServe's own gRPC client sees of a server with the endpoint `fraud`: `python kserve_grpc.py HOST:PORT`."""

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest

ROWS = np.array([[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]])


async def ask(client: Any, *, raw: bool) -> list[Any]:
    tensor = InferInput("input", [2, 3], "FP64")
    tensor.set_data_from_numpy(ROWS, binary_data=raw)
    answer = await client.infer(InferRequest("fraud", [tensor]))
    return [output.as_numpy().tolist() for output in answer.outputs]


async def main() -> None:
    client = InferenceGRPCClient(url=sys.argv[1])
    found = {
        "ready": [await client.is_server_live(), await client.is_server_ready(), await client.is_model_ready("fraud")],
        "raw": await ask(client, raw=True),
        "typed": await ask(client, raw=False),
    }
    await client.close()
    sys.stdout.write(json.dumps(found))


asyncio.run(main())
