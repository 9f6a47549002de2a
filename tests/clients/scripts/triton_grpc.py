"""What Triton's own clients see over gRPC of a server with the endpoint `fraud`: `python triton_grpc.py HOST:PORT`."""

import asyncio
import json
import sys
from typing import Any

import numpy as np
import tritonclient.grpc as plain
import tritonclient.grpc.aio as later
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

ROWS = np.array([[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]])
ADDRESS = sys.argv[1]


def tensor(kind: Any, array: Any) -> Any:
    """The rows as one tensor."""
    made = kind.InferInput("input", list(array.shape), np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array)
    return made


def refusal(client: Any) -> str:
    try:
        client.infer("nobody", [tensor(plain, ROWS)])
    except InferenceServerException as error:
        return str(error.status())
    return ""


def streamed(client: Any) -> list[Any]:
    """What a stream of five requests is answered."""
    found: list[Any] = []
    client.start_stream(lambda result, error: found.append(error or result.as_numpy("predictions").tolist()))
    for _ in range(5):
        client.async_stream_infer("fraud", [tensor(plain, ROWS)])
    client.stop_stream()
    return found


async def asked_later() -> Any:
    async with later.InferenceServerClient(ADDRESS) as client:
        assert await client.is_model_ready("fraud")
        wanted = [later.InferRequestedOutput("predictions")]
        answer = await client.infer("fraud", [tensor(later, ROWS.astype(np.float32))], outputs=wanted)
        return answer.as_numpy("predictions").tolist()


def main() -> None:
    client = plain.InferenceServerClient(ADDRESS)
    answer = client.infer("fraud", [tensor(plain, ROWS)], request_id="mine")
    client.load_model("fraud")
    found = {
        "ready": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("fraud")],
        "plain": [
            answer.get_response().id,
            *(answer.as_numpy(name).tolist() for name in ("predictions", "probabilities")),
        ],
        "aio": asyncio.run(asked_later()),
        "streamed": streamed(client),
        "inputs": [each["name"] for each in client.get_model_metadata("fraud", as_json=True)["inputs"]],
        "config": client.get_model_config("fraud", as_json=True)["config"]["name"],
        "index": client.get_model_repository_index(as_json=True)["models"],
        "refused": refusal(client),
    }
    sys.stdout.write(json.dumps(found))


main()
