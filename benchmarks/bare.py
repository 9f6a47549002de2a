"""The bare reference: uvloop + httptools that only decode, run onnxruntime and encode. No limits, ids, log or metrics.

`python -m benchmarks.bare --port P --model M.onnx --names a,b,… [--constant]`; with `--constant` it reads the request
and sends what it answered when the body came first: the ceiling of such a server.
"""

import argparse
import asyncio
from typing import Any

import httptools
import msgspec
import numpy as np
import onnxruntime
import orjson
import uvloop

LIST: Any = list  # for a type made at run time
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "


class Instances(msgspec.Struct):
    """A body of positional rows."""

    instances: list[list[float]]


class Bare(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._body = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        answer = self._answer(body)
        self._transport.write(b"%b%d\r\n\r\n%b" % (HEAD, len(answer), answer))


def answerer(model: str, names: list[str]) -> Any:
    """body → answer, as short as it gets."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    dtype = np.float64 if given.type == "tensor(double)" else np.float32
    wanted = [output.name for output in session.get_outputs()]
    decode = msgspec.json.Decoder(Instances).decode
    row: Any = msgspec.defstruct("Row", [(name, float) for name in names])
    document: Any = msgspec.defstruct("Rows", [("rows", LIST[row])])
    decode_rows = msgspec.json.Decoder(document).decode
    astuple, run, dumps, numbers = msgspec.structs.astuple, session._sess.run, orjson.dumps, orjson.OPT_SERIALIZE_NUMPY

    def answer(body: bytes) -> bytes:
        if body.startswith(b'{"rows"'):
            values: Any = [astuple(row) for row in decode_rows(body).rows]
        else:
            values = decode(body).instances
        labels, chances = run(wanted, {given.name: np.array(values, dtype)}, None)
        return dumps({"predictions": labels, "probabilities": chances}, option=numbers)

    return answer


def constant(answer: Any) -> Any:
    """body → what the first body with that beginning and length was answered."""
    answers: dict[tuple[int, bytes], bytes] = {}

    def again(body: bytes) -> bytes:
        key = (len(body), body[:200])
        found = answers.get(key)
        if found is None:
            found = answers[key] = answer(body)
        return found

    return again


async def serve(port: int, answer: Any) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Bare(answer), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--names", required=True)
    parser.add_argument("--constant", action="store_true")
    chosen = parser.parse_args()
    answer = answerer(chosen.model, chosen.names.split(","))
    uvloop.run(serve(chosen.port, constant(answer) if chosen.constant else answer))


if __name__ == "__main__":
    main()
