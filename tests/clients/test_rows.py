"""The clients of MLflow, KServe's first protocol and TensorFlow Serving, and curl where nothing else is used."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.conftest import KEY
from tests.clients.environment import SCRIPTS, environment, example, run
from tests.serving.worker_process import WorkerProcess

from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

pytestmark = pytest.mark.heavy
ROWS = [[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]]
KSERVE = ("kserve", "kserve>=0.15")
OVMS = ("ovmsclient", "ovmsclient>=2023.1")
MLFLOW = ("mlflow", "mlflow-skinny>=3.1", "pandas", "scipy", "fastapi")
# section → the answer to the first row
CURLED: dict[str, Any] = {
    "MLflow": {"predictions": [1]},
    "TorchServe": [1],
    "Azure ML": [1],
    "Vertex AI": {
        "predictions": [1],
        "deployedModelId": "fraud:1",
        "model": "fraud",
        "modelDisplayName": "fraud",
        "modelVersionId": "1",
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker whose endpoint `fraud` is also what paths without a name mean."""
    home = Home(tmp_path_factory.mktemp("rows")).create()
    publish(home, route_table(build_bundle(home.cache)))
    process = WorkerProcess(home, Settings(default_endpoint="fraud"))
    yield process
    assert process.stop() == 0, process.logged


def native(server: WorkerProcess) -> list[Any]:
    predictions: list[Any] = server.predict({"instances": ROWS}).json["predictions"]
    return predictions


def address(server: WorkerProcess) -> str:
    return f"127.0.0.1:{server.port}"


def curl(*arguments: str | Path) -> str:
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    return run(["curl", "-s", *arguments])


def test_kserve(server: WorkerProcess) -> None:
    programs = environment(*KSERVE)
    found = json.loads(run([programs / "python", SCRIPTS / "kserve_v1.py", f"http://{address(server)}/kserve"]))
    wanted = {"predictions": native(server)}
    assert (found["rows"], found["columns"]) == (wanted, wanted)
    assert (found["live"], found["ready"]) == (True, True)
    for name in ("absent", "unknown"):
        assert found[name].startswith("Model with name nobody does not exist., '404 Not Found'")
    assert "'400 Bad Request'" in found["bad"]
    assert "'501 Not Implemented'" in found["explain"]


def test_ovmsclient(server: WorkerProcess) -> None:
    programs = environment(*OVMS)
    found = json.loads(run([programs / "python", SCRIPTS / "ovms_http.py", address(server)]))
    wanted = native(server)
    assert [found[name] for name in ("columns", "lists", "matrix")] == [wanted] * 3
    assert found["status"] == {"1": {"state": "AVAILABLE", "error_code": 0, "error_message": ""}}
    definition = found["metadata"]["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert list(definition["inputs"]) == ["age", "income", "balance"]
    assert {found[name][0] for name in ("unknown", "version", "status of nobody")} == {"ModelNotFoundError"}
    assert "Servable not found for request: Specific(fraud, 7)" in found["version"][1]
    assert found["bad"][0] == "InvalidInputError"


def test_mlflow(server: WorkerProcess) -> None:
    programs = environment(*MLFLOW)
    found = json.loads(run([programs / "python", SCRIPTS / "mlflow_scoring.py", "127.0.0.1", str(server.port)]))
    wanted = native(server)
    assert [found[name] for name in ("frame", "shuffled", "matrix")] == [wanted] * 3
    assert found["version"]
    assert "error code 400" in found["bad"]


@pytest.mark.parametrize(
    ("section", "needs"), [("KServe, protocol v1", KSERVE), ("TensorFlow Serving", OVMS)], ids=["kserve", "tfs"]
)
def test_examples_with_a_key(section: str, needs: tuple[str, ...], guarded: WorkerProcess) -> None:
    code = example(section).replace("127.0.0.1:8000", address(guarded)).replace("hg_…", KEY)
    assert json.loads(run([environment(*needs) / "python", "-"], code)) == [1, 0]


def test_the_example_of_mlflow(server: WorkerProcess) -> None:
    code = example("MLflow").replace("8000", str(server.port))
    assert json.loads(run([environment(*MLFLOW) / "python", "-"], code)) == [1, 0]


@pytest.mark.parametrize("section", CURLED)
def test_examples_with_curl(section: str, guarded: WorkerProcess) -> None:
    curl("--version")
    code = example(section, "sh").replace("127.0.0.1:8000", address(guarded)).replace("hg_…", KEY)
    assert json.loads(run(["bash", "-s"], code)) == CURLED[section]


def test_curl_as_torchserve_is_asked(server: WorkerProcess, tmp_path: Path) -> None:
    url = f"http://{address(server)}/predictions/fraud"
    row = tmp_path / "row.json"
    row.write_text(json.dumps(dict(zip(("age", "income", "balance"), ROWS[0], strict=True))))
    for arguments in (["-T", row], ["-d", f"@{row}"], ["-F", f"data=@{row}"], ["--data-urlencode", f"data@{row}"]):
        assert curl(*arguments, url) == "1", arguments
    assert curl("-T", row, f"{url}/1") == "1"
    assert json.loads(curl("-T", row, f"{url}/7"))["type"] == "ModelVersionNotFoundException"
    assert json.loads(curl(f"http://{address(server)}/torchserve/ping")) == {"status": "Healthy"}
    assert json.loads(curl(f"http://{address(server)}/models/fraud"))[0]["modelVersion"] == "1"
