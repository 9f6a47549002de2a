"""The peers: others' servers, each in its own environment, at its defaults and with its batching on.

"Defaults" is one worker that serves the scikit-learn file, as each one's documentation shows; where a peer is used with
onnxruntime too there is a row for that.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.contender import ROOT, Command, Contender, NotAvailable, Place, labels_in, labels_in_tensor
from benchmarks.contenders import ONNX, SKLEARN
from benchmarks.environments import install
from benchmarks.forest import instances, tensor
from benchmarks.processes import free_port

CONFIGURATION = """
backend: "python"
max_batch_size: 256
input [{{ name: "input" data_type: TYPE_FP64 dims: [ {features} ] }}]
output [{{ name: "predictions" data_type: TYPE_INT64 dims: [ 1 ] }}]
dynamic_batching {{ }}
instance_group [{{ count: 1 kind: KIND_CPU }}]
"""

# the interpreter inside of Triton's backend passes PYTHONPATH over
TRITON_MODEL = """
import os, sys

sys.path.extend(os.environ["PYTHONPATH"].split(":"))
from benchmarks.peers.triton_model import TritonPythonModel
"""


def model_of(place: Place, runs: str) -> str:
    return str(place.forest.onnx if runs == ONNX else place.forest.joblib)


def script(environment: str, runs: str, more: Sequence[str] = ()) -> Callable[[Place, int], Command]:
    """A module of `benchmarks.peers`, run by the peer's Python."""

    def prepare(place: Place, port: int) -> Command:
        python = install(environment) / "bin" / "python"
        given = ["--port", str(port), "--model", model_of(place, runs), *more]
        # no telemetry, no look for a newer version
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
        paths = {"PYTHONPATH": str(ROOT), "PATH": f"{python.parent}:/usr/bin:/bin"}
        return Command([str(python), "-m", f"benchmarks.peers.{environment}_server", *given], quiet | paths)

    return prepare


def bentoml(service: str, runs: str) -> Callable[[Place, int], Command]:
    def prepare(place: Place, port: int) -> Command:
        program = install("bentoml") / "bin" / "bentoml"
        environment = {
            "FOREST_MODEL": model_of(place, runs), "BENTOML_DO_NOT_TRACK": "True", "PYTHONPATH": str(ROOT),
            "BENTOML_HOME": str(place.folder / "bentoml"),
        }  # fmt: skip
        target = f"benchmarks.peers.bentoml_server:{service}"
        return Command([str(program), "serve", target, "--host", "127.0.0.1", "--port", str(port)], environment)

    return prepare


def mlserver(name: str, **batching: float) -> Callable[[Place, int], Command]:
    def prepare(place: Place, port: int) -> Command:
        program = install("mlserver") / "bin" / "mlserver"
        folder = place.folder / name
        folder.mkdir(exist_ok=True)
        ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
        (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1"} | ports))
        shutil.copy(place.forest.joblib, folder / "forest.joblib")
        model: dict[str, Any] = {
            "name": "forest",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./forest.joblib"},
        }
        (folder / "model-settings.json").write_text(json.dumps(model | batching))
        return Command([str(program), "start", "."], folder=folder)

    return prepare


def mlflow(place: Place, port: int) -> Command:
    bin_folder = install("mlflow") / "bin"
    saved = place.folder / "mlflow-model"
    if not saved.exists():
        command = [str(bin_folder / "python"), "-m", "benchmarks.peers.mlflow_model"]
        given = ["--model", str(place.forest.joblib), "--output", str(saved)]
        done = subprocess.run([*command, *given], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise NotAvailable(f"could not save the model: {done.stderr.strip().splitlines()[-1]}")
    serve = ["models", "serve", "-m", str(saved), "-h", "127.0.0.1", "-p", str(port), "--env-manager", "local"]
    # it starts uvicorn by name
    return Command([str(bin_folder / "mlflow"), *serve], {"PATH": f"{bin_folder}:/usr/bin:/bin"}, place.folder)


def triton(place: Place, port: int) -> Command:
    """The `tritonserver` of the wheel itself, with its Python backend and no proxy in between."""
    environment = install("pytriton")
    packages = next(environment.glob("lib/python3*/site-packages"))
    server = place.folder / "tritonserver"
    if not server.exists():
        shutil.copytree(packages / "pytriton" / "tritonserver", server)
        version = packages.parent.name.removeprefix("python")
        stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
        shutil.copy(stub, server / "backends" / "python" / stub.name)
        model = place.folder / "triton-models" / "forest"
        (model / "1").mkdir(parents=True)
        (model / "1" / "model.py").write_text(TRITON_MODEL)
        (model / "config.pbtxt").write_text(CONFIGURATION.format(features=len(place.forest.names)))
    paths = {"PYTHONPATH": f"{ROOT}:{packages}", "LD_LIBRARY_PATH": f"{packages}/nvidia_pytriton.libs"}
    given = [
        "--model-repository", str(place.folder / "triton-models"), "--backend-directory", str(server / "backends"),
        "--http-address", "127.0.0.1", "--http-port", str(port), "--allow-grpc", "false", "--allow-metrics", "false",
    ]  # fmt: skip
    # the wheel's own program finds its libraries beside where it was installed
    program = packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"
    return Command([str(program), *given], paths | {"FOREST_MODEL": model_of(place, ONNX)})


def listed(answer: bytes) -> Any:
    """The labels where the answer is nothing else."""
    return json.loads(answer)


def mlflow_rows(forest: Any, begin: int, count: int) -> bytes:
    return json.dumps({"inputs": forest.rows[begin : begin + count]}).encode()


def peer(name: str, what: str, runs: str, prepare: Callable[[Place, int], Command], **more: Any) -> Contender:
    """A peer takes positional rows, in its own way of writing them."""
    chosen: dict[str, Any] = {"path": "/predict", "bodies": {"instances": instances}, "read": labels_in} | more
    return Contender(name, what, runs, prepare, **chosen)


OPEN: dict[str, Any] = {
    "path": "/v2/models/forest/infer", "bodies": {"instances": tensor}, "read": labels_in_tensor,
}  # fmt: skip

PEERS = [
    peer("bentoml", "BentoML, defaults", SKLEARN, bentoml("Forest", SKLEARN)),
    peer("bentoml-batching", "BentoML, adaptive batching", SKLEARN, bentoml("Batching", SKLEARN), read=listed),
    peer("bentoml-onnx", "BentoML, defaults", ONNX, bentoml("Forest", ONNX)),
    peer("mlserver", "MLServer, defaults", SKLEARN, mlserver("mlserver"), **OPEN),
    peer(
        "mlserver-batching", "MLServer, adaptive batching of 32 within 5 ms", SKLEARN,
        mlserver("mlserver-batching", max_batch_size=32, max_batch_time=0.005), **OPEN,
    ),
    peer("litserve", "LitServe, defaults", SKLEARN, script("litserve", SKLEARN)),
    peer("litserve-batching", "LitServe, batching of 32 within 1 ms", SKLEARN,
         script("litserve", SKLEARN, ["--batching"])),
    peer("litserve-onnx", "LitServe, defaults", ONNX, script("litserve", ONNX)),
    peer("ray", "Ray Serve, one replica", SKLEARN, script("ray", SKLEARN)),
    peer("ray-batching", "Ray Serve, `serve.batch` at its defaults", SKLEARN, script("ray", SKLEARN, ["--batching"])),
    peer("ray-onnx", "Ray Serve, one replica", ONNX, script("ray", ONNX)),
    peer("mlflow", "MLflow, `models serve`", SKLEARN, mlflow, path="/invocations", bodies={"instances": mlflow_rows}),
    peer("kserve", "KServe's Python model server", SKLEARN, script("kserve", SKLEARN), **OPEN),
    peer("kserve-onnx", "KServe's Python model server", ONNX, script("kserve", ONNX), **OPEN),
    peer("triton-sklearn", "Triton by pytriton, no batching", SKLEARN,
         script("pytriton", SKLEARN, ["--no-batching"]), **OPEN),
    peer("triton-batching", "Triton by pytriton, dynamic batching", SKLEARN, script("pytriton", SKLEARN), **OPEN),
    peer("triton-onnx", "Triton by pytriton, dynamic batching", ONNX, script("pytriton", ONNX), **OPEN),
    peer("triton", "Triton itself, Python backend, dynamic batching", ONNX, triton, **OPEN),
]  # fmt: skip
