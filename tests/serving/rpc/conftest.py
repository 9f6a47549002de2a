"""A worker that speaks gRPC, and a client of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import pytest
from tests.serving.conftest import FRAUD
from tests.serving.worker_process import WorkerProcess

from headgate.client.local import free_ports
from headgate.home import Home
from headgate.serving.dialects.datatypes import datatype_of, read_raw, write_raw
from headgate.serving.dialects.oip_messages import SERVICE, message
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

SECONDS = 20.0


class Caller:
    """A channel to one port."""

    def __init__(self, port: int, credentials: Any = None) -> None:
        address, options = f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]
        self.channel = (
            grpc.insecure_channel(address, options)
            if credentials is None
            else grpc.secure_channel(address, credentials, [*options, ("grpc.ssl_target_name_override", "localhost")])
        )

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def method(self, name: str) -> Any:
        """A method, from bytes to bytes."""
        return self.channel.unary_unary(f"/{SERVICE}/{name}")

    def ask(
        self, method: str, metadata: Sequence[tuple[str, str]] = (), seconds: float = SECONDS, /, **fields: Any
    ) -> Any:
        """Call a method with the fields of its request."""
        asked = message(f"{method}Request")(**fields).SerializeToString()
        answer = self.method(method)(asked, timeout=seconds, metadata=metadata, wait_for_ready=True)
        return message(f"{method}Response").FromString(answer)

    def infer(self, arrays: Mapping[str, Any], model: str = "fraud", seconds: float = SECONDS) -> dict[str, Any]:
        """The outputs, asked and answered raw."""
        return outputs_of(self.ask("ModelInfer", (), seconds, **raw_request(arrays, model)))


def raw_request(arrays: Mapping[str, Any], model: str = "fraud") -> dict[str, Any]:
    """The fields of a request with raw tensors."""
    inputs = [
        {"name": name, "datatype": datatype_of(array.dtype), "shape": array.shape} for name, array in arrays.items()
    ]
    return {"model_name": model, "inputs": inputs, "raw_input_contents": [write_raw(each) for each in arrays.values()]}


def outputs_of(answer: Any) -> dict[str, Any]:
    """The raw outputs of an answer, by name."""
    pairs = zip(answer.outputs, answer.raw_output_contents, strict=True)
    return {output.name: read_raw(output.datatype, output.shape, raw) for output, raw in pairs}


def refusal(asked: Any) -> grpc.RpcError:
    """The error of a call, made by calling."""
    with pytest.raises(grpc.RpcError) as caught:
        asked()
    return caught.value


def matrix(rows: Sequence[Mapping[str, float]], dtype: Any = np.float64) -> dict[str, Any]:
    """Rows as one tensor in the order of their names."""
    return {"input": np.array([list(row.values()) for row in rows], dtype)}


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker with `fraud` and `price`, over HTTP and gRPC."""
    home = Home(tmp_path_factory.mktemp("home")).create()
    publish(home, route_table(build_bundle(home.cache, FRAUD)))
    price = LinearModel(name="price", features=("a", "b"), weights=(1.0, 1000.0), task="regression")
    publish(home, route_table(build_bundle(home.cache, price), "price"))
    process = WorkerProcess(home, Settings(drain_seconds=0.5), grpc_port=free_ports(1)[0])
    yield process
    assert process.stop() == 0, process.logged


@pytest.fixture
def caller(speaker: WorkerProcess) -> Iterator[Caller]:
    with Caller(speaker.grpc_port) as found:
        yield found
