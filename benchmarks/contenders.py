"""The contenders that need nothing installed beyond what `make setup` installs."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from benchmarks.contender import Body, Command, Contender, FormName, Place, labels_behind, labels_in_tensor
from benchmarks.forest import BINARY_HEADER, ENDPOINT, binary_tensor, instances, native_bundle, tensor

from headgate.bundle.bundle import Bundle
from headgate.cli.node import place_endpoint
from headgate.client.local import agent_command
from headgate.home import Home, write_atomically
from headgate.records import RouteTable
from headgate.settings import Settings, to_environment

PREDICT = f"/v1/endpoints/{ENDPOINT}/predict"
SIGNING_KEY = "HEADGATE_SIGNING_KEY"
BARE = "bare"
HEADGATE = "headgate"
OIP, OIP_BINARY = "headgate-oip", "headgate-oip-binary"
LINEAR, LINEAR_BINARY = "headgate-linear", "headgate-linear-oip-binary"
INFER = f"/v2/models/{ENDPOINT}/infer"
ONNX, SKLEARN = "onnxruntime", "scikit-learn"


def node(home: Home, port: int, grpc_port: int = 0) -> Command:
    """An agent with one worker and no control plane, on a home that has its tables."""
    environment = to_environment(Settings(port=port, workers=1, grpc_port=grpc_port)) | {
        SIGNING_KEY: os.environ.get(SIGNING_KEY, "")
    }
    return Command(agent_command(home, control=False), environment)


def home_with(place: Place, bundle: Bundle, name: str, sampling: float = 1.0) -> Home:
    """A node's home with the bundle behind one endpoint."""
    home = Home(place.folder / name / "home").create()
    shutil.copytree(bundle.folder, home.cache / bundle.digest)
    place_endpoint(home, bundle, ENDPOINT, "")
    path = home.routes / f"{ENDPOINT}.json"
    table = msgspec.json.decode(path.read_bytes(), type=RouteTable)
    spec = msgspec.structs.replace(table.spec, record_sampling=sampling)
    write_atomically(path, msgspec.json.encode(msgspec.structs.replace(table, spec=spec)))
    return home


def everything_as(name: str) -> Callable[[Place, int], Command]:
    """A node with everything on, in a folder of that name."""
    return lambda place, port: node(home_with(place, place.forest.compiled, name), port)


def without_records(place: Place, port: int) -> Command:
    return node(home_with(place, place.forest.compiled, "headgate-no-records", sampling=0.0), port)


def in_hosts(place: Place, port: int) -> Command:
    bundle = native_bundle(place.forest, place.folder / "native")
    return node(home_with(place, bundle, "headgate-hosts"), port)


def module(name: str, model: Callable[[Place], Path], more: Sequence[str] = ()) -> Callable[[Place, int], Command]:
    """A server that is a module of ours: `python -m NAME --port P --model M --names …`."""

    def prepare(place: Place, port: int) -> Command:
        names = ",".join(place.forest.names)
        given = ["--port", str(port), "--model", str(model(place)), "--names", names]
        return Command([sys.executable, "-m", name, *given, *more])

    return prepare


def onnx_file(place: Place) -> Path:
    return place.forest.onnx


def joblib_file(place: Place) -> Path:
    return place.forest.joblib


# where rows with names would only cost time
POSITIONAL: Mapping[FormName, Body] = {"instances": instances}
TENSOR: Mapping[FormName, Body] = {"instances": tensor}
BINARY: Mapping[FormName, Body] = {"instances": binary_tensor}
LENGTH = {"Inference-Header-Content-Length": str(BINARY_HEADER)}
CONTENDERS = [
    Contender(
        HEADGATE, "a node with everything on: validation, ids, records, metrics", ONNX,
        everything_as(HEADGATE), PREDICT,
    ),
    Contender(
        "headgate-no-records", "the same, `record_sampling` 0 in the endpoint's spec", ONNX, without_records, PREDICT,
    ),
    Contender(
        OIP, "the same node as `headgate`, asked in the Open Inference Protocol, JSON", ONNX,
        everything_as(OIP), INFER, TENSOR, labels_in_tensor,
    ),
    Contender(
        OIP_BINARY, "the same, binary tensors both ways", ONNX,
        everything_as(OIP_BINARY), INFER, BINARY, labels_behind, LENGTH,
    ),
    Contender("headgate-hosts", "a node, the model left in scikit-learn in a model host", SKLEARN, in_hosts, PREDICT),
    Contender(
        BARE, "uvloop + httptools that decode, run, encode, and nothing else", ONNX,
        module("benchmarks.bare", onnx_file), "/",
    ),
    Contender(
        "constant", "the bare server without decoding and model: the ceiling", "nothing",
        module("benchmarks.bare", onnx_file, ["--constant"]), "/", POSITIONAL,
    ),
    Contender(
        "fastapi-onnx", "FastAPI, `async def`, on uvicorn", ONNX,
        module("benchmarks.peers.fastapi_server", onnx_file), "/predict",
    ),
    Contender(
        "fastapi-sklearn", "FastAPI, `async def`, on uvicorn", SKLEARN,
        module("benchmarks.peers.fastapi_server", joblib_file), "/predict", POSITIONAL,
    ),
]  # fmt: skip
# beside the bare server with the same linear model
LINEAR_CONTENDERS = [
    Contender(
        LINEAR, "a node with everything on, a linear model", ONNX, everything_as(LINEAR), PREDICT, POSITIONAL,
    ),
    Contender(
        LINEAR_BINARY, "the same, asked in the Open Inference Protocol, binary tensors both ways", ONNX,
        everything_as(LINEAR_BINARY), INFER, BINARY, labels_behind, LENGTH,
    ),
]  # fmt: skip
