"""What Triton's own HTTP clients see of a server with the endpoint `fraud`: run in their environment, told as JSON.

`python triton_http.py HOST:PORT`; the linear model of `headgate.testing` stands behind the endpoint.
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException

ROWS = np.array([[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]])
NAMES = ("age", "income", "balance")


def matrix(binary: bool, rows: Any = ROWS) -> list[Any]:
    """The rows as one tensor."""
    given = http.InferInput("input", list(rows.shape), "FP64")
    given.set_data_from_numpy(rows, binary_data=binary)
    return [given]


def columns(binary: bool) -> list[Any]:
    """The rows as a tensor per column."""
    found = []
    for place, name in enumerate(NAMES):
        given = http.InferInput(name, [len(ROWS), 1], "FP64")
        given.set_data_from_numpy(ROWS[:, place : place + 1].copy(), binary_data=binary)
        found.append(given)
    return found


def outputs(binary: bool) -> list[Any]:
    return [http.InferRequestedOutput(name, binary_data=binary) for name in ("predictions", "probabilities")]


def told(answer: Any) -> Any:
    return [answer.as_numpy(name).tolist() for name in ("predictions", "probabilities")]


def predictions(client: Any) -> dict[str, Any]:
    """The same rows in every way that the client has."""
    found = {}
    for binary in (True, False):
        for kind, given in (("matrix", matrix(binary)), ("columns", columns(binary))):
            name = f"{kind} {'binary' if binary else 'json'}"
            found[name] = told(client.infer("fraud", given, outputs=outputs(binary)))
            found[f"{name}, version"] = told(client.infer("fraud", given, model_version="1"))
            for packed in ("gzip", "deflate"):
                answer = client.infer(
                    "fraud", given, request_compression_algorithm=packed, response_compression_algorithm=packed
                )
                found[f"{name} {packed}"] = told(answer)
    found["async"] = told(client.async_infer("fraud", matrix(True)).get_result())
    return found


def facts(client: Any) -> dict[str, Any]:
    """Everything else that it asks."""
    many = np.repeat(ROWS, 2000, axis=0)
    large = client.infer("fraud", matrix(True, many), response_compression_algorithm="gzip", request_id="large")
    top = client.infer("fraud", matrix(True), outputs=[http.InferRequestedOutput("probabilities", class_count=1)])
    client.load_model("fraud")
    return {
        "live": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("fraud", "1")],
        "absent": client.is_model_ready("nobody"),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata("fraud"),
        "config": client.get_model_config("fraud", "1"),
        "stats": client.get_inference_statistics("fraud"),
        "all stats": client.get_inference_statistics(),
        "index": client.get_model_repository_index(),
        "large": [large.get_response()["id"], int(large.as_numpy("predictions").sum()), len(many)],
        "classes": [cell.decode() for cell in top.as_numpy("probabilities").ravel()],
        "timeout": refusal(lambda: client.infer("fraud", matrix(True), timeout=1)),
        "unknown model": refusal(lambda: client.infer("nobody", matrix(True))),
        "unknown output": refusal(
            lambda: client.infer("fraud", matrix(True), outputs=[http.InferRequestedOutput("none")])
        ),
        "sequence": refusal(lambda: client.infer("fraud", matrix(True), sequence_id=3, sequence_start=True)),
        "unload": refusal(lambda: client.unload_model("fraud")),
        "load": refusal(lambda: client.load_model("nobody")),
        "shared memory": refusal(client.get_system_shared_memory_status),
    }


def text(client: Any) -> Any:
    """Text in and out: to a model that takes text, to one that takes all kinds, and to one that takes numbers."""
    found = {}
    for binary in (True, False):
        cities = http.InferInput("city", [2], "BYTES")
        cities.set_data_from_numpy(np.array(["Zürich", "Bern"], dtype=np.object_), binary_data=binary)
        found["text", binary] = client.infer("text", [cities]).as_numpy("predictions").tolist()
        amount, count = http.InferInput("amount", [2, 1], "FP64"), http.InferInput("count", [2, 1], "INT64")
        amount.set_data_from_numpy(np.array([[0.5], [-4.0]]), binary_data=binary)
        count.set_data_from_numpy(np.array([[2], [3]]), binary_data=binary)
        wanted = [http.InferRequestedOutput("predictions", binary_data=binary)]
        labels = client.infer("mixed", [amount, cities, count], outputs=wanted).as_numpy("predictions")
        found["mixed", binary] = [cell.decode() if isinstance(cell, bytes) else str(cell) for cell in labels]
        image = http.InferInput("image", [1, 2, 3], "FP32")
        image.set_data_from_numpy(np.arange(6, dtype=np.float32).reshape(1, 2, 3), binary_data=binary)
        found["image", binary] = client.infer("image", [image]).as_numpy("predictions").tolist()
    nul = http.InferInput("age", [1], "BYTES")
    nul.set_data_from_numpy(np.array([b"a\0b"], dtype=np.object_))
    told = {f"{name} {'binary' if binary else 'json'}": value for (name, binary), value in found.items()}
    return told | {"refused": refusal(lambda: client.infer("fraud", [nul]))[0]}


def refusal(ask: Any) -> Any:
    """Status and text of what is refused."""
    try:
        ask()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return None


async def awaited(address: str) -> Any:
    """The same with the asynchronous client."""
    async with aio.InferenceServerClient(address) as client:
        found = [told(await client.infer("fraud", matrix(binary), outputs=outputs(binary))) for binary in (True, False)]
        packed = await client.infer(
            "fraud", matrix(True), request_compression_algorithm="gzip", response_compression_algorithm="deflate"
        )
        model = await client.get_model_metadata("fraud")
        return [*found, told(packed), await client.is_server_ready(), model["name"]]


def main(address: str) -> None:
    with http.InferenceServerClient(address) as client:
        found = {"predictions": predictions(client), "text": text(client), **facts(client)}
    found["aio"] = asyncio.run(awaited(address))
    print(json.dumps(found))  # noqa: T201 (it is what the test reads)


if __name__ == "__main__":
    main(sys.argv[1])
