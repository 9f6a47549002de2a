"""The bare reference for gRPC: grpcio's asyncio server that only decodes raw tensors, runs onnxruntime and encodes.

`python -m benchmarks.bare_grpc --port P --model M.onnx`
"""

import argparse
from typing import Any

import grpc
import numpy as np
import onnxruntime
import uvloop

from headgate.serving.dialects.oip_messages import SERVICE, message

KINDS = {"FP32": np.float32, "FP64": np.float64}
NAMES = {"int64": "INT64", "float32": "FP32", "float64": "FP64"}


def answerer(model: str) -> Any:
    """Message → message."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    dtype = np.float64 if given.type == "tensor(double)" else np.float32
    wanted = [output.name for output in session.get_outputs()]
    request, response, tensor = (
        message(name) for name in ("ModelInferRequest", "ModelInferResponse", "ModelInferResponse.InferOutputTensor")
    )
    run, told = session._sess.run, ("predictions", "probabilities")

    async def answer(body: bytes, _context: Any) -> bytes:
        asked = request.FromString(body)
        only = asked.inputs[0]
        values: Any = np.frombuffer(asked.raw_input_contents[0], KINDS[only.datatype]).reshape(only.shape)
        found = run(wanted, {given.name: values.astype(dtype, copy=False)}, None)
        outputs = [
            tensor(name=name, datatype=NAMES[array.dtype.name], shape=array.shape)
            for name, array in zip(told, found, strict=True)
        ]
        whole = response(
            model_name=asked.model_name, id=asked.id, outputs=outputs,
            raw_output_contents=[array.tobytes() for array in found],
        )  # fmt: skip
        said: bytes = whole.SerializeToString()
        return said

    return answer


async def serve(port: int, answer: Any) -> None:
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"ModelInfer": handler}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    chosen = parser.parse_args()
    uvloop.run(serve(chosen.port, answerer(chosen.model)))


if __name__ == "__main__":
    main()
