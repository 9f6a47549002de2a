"""The bare reference: uvloop + httptools that only decode, run onnxruntime and encode. No limits, ids, log or metrics.

`python -m benchmarks.bare --port P --model M.onnx --form instances|rows [--names a,b,…]`
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


def answerer(model: str, form: str, names: list[str]) -> Any:
    """body → answer, as short as it gets."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    dtype = np.float64 if given.type == "tensor(double)" else np.float32
    wanted = [output.name for output in session.get_outputs()]
    decode = msgspec.json.Decoder(Instances).decode
    if form == "rows":
        row: Any = msgspec.defstruct("Row", [(name, float) for name in names])
        document: Any = msgspec.defstruct("Rows", [("rows", LIST[row])])
        decode_rows = msgspec.json.Decoder(document).decode
    astuple, run, dumps, numbers = msgspec.structs.astuple, session._sess.run, orjson.dumps, orjson.OPT_SERIALIZE_NUMPY

    def answer(body: bytes) -> bytes:
        if form == "rows":
            values: Any = [astuple(row) for row in decode_rows(body).rows]
        else:
            values = decode(body).instances
        labels, chances = run(wanted, {given.name: np.array(values, dtype)}, None)
        return dumps({"predictions": labels, "probabilities": chances}, option=numbers)

    return answer


async def serve(port: int, answer: Any) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Bare(answer), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--form", choices=("instances", "rows"), default="instances")
    parser.add_argument("--names", default="")
    chosen = parser.parse_args()
    uvloop.run(serve(chosen.port, answerer(chosen.model, chosen.form, chosen.names.split(","))))


if __name__ == "__main__":
    main()
