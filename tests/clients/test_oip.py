"""The clients of Triton, KServe and MLServer, as they come from the index."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.clients.conftest import KEY
from tests.clients.environment import SCRIPTS, environment, example, run
from tests.serving.worker_process import WorkerProcess

pytestmark = pytest.mark.heavy
ROWS = [[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]]
TRITON = "tritonclient[http]>=2.50"


def native(server: WorkerProcess) -> list[Any]:
    answer = server.predict({"instances": ROWS}).json
    return [answer["predictions"], answer["probabilities"]]


def address(server: WorkerProcess) -> str:
    return f"127.0.0.1:{server.port}"


def test_tritonclient(server: WorkerProcess) -> None:
    programs = environment("tritonclient", TRITON)
    found = json.loads(run([programs / "python", SCRIPTS / "triton_http.py", address(server)]))
    wanted = native(server)
    for name, told in found["predictions"].items():
        assert told == wanted, name
    assert len(found["predictions"]) == 17
    assert found["aio"] == [wanted, wanted, wanted, True, "fraud"]
    assert (found["live"], found["absent"]) == ([True, True, True], False)
    assert "binary_tensor_data" in found["server"]["extensions"]
    assert [entry["name"] for entry in found["model"]["inputs"]] == ["age", "income", "balance"]
    assert found["config"]["max_batch_size"] > 0
    assert found["stats"]["model_stats"][0]["inference_stats"]["success"]["count"] > 17
    names = ["fraud", "image", "mixed", "several", "text"]
    assert [one["name"] for one in found["all stats"]["model_stats"]] == names
    assert found["index"] == [{"name": name, "version": "1", "state": "READY", "reason": ""} for name in names]
    labels = server.predict(
        {"columns": {"amount": [0.5, -4.0], "city": ["Zürich", "Bern"], "count": [2, 3]}}, "mixed"
    ).json["predictions"]
    for form in ("binary", "json"):
        assert found["text"][f"text {form}"] == [2.0, 1.0]
        assert found["text"][f"mixed {form}"] == labels
        assert found["text"][f"image {form}"] == [2.5]
    assert found["text"]["refused"] == "400"
    assert found["large"] == ["large", 2000, 4000]
    assert found["classes"] == ["1.000000:1:1", "1.000000:0:0"]
    statuses = {name: found[name][0] for name in ("timeout", "unknown model", "unknown output", "sequence", "load")}
    assert statuses == {
        "timeout": "504", "unknown model": "404", "unknown output": "400", "sequence": "400", "load": "404",
    }  # fmt: skip
    assert found["unknown model"][1].startswith("Request for unknown model")
    assert (found["unload"][0], found["shared memory"][0]) == ("400", "404")


def test_the_example_of_tritonclient(guarded: WorkerProcess) -> None:
    programs = environment("tritonclient", TRITON)
    code = example("Triton").replace("127.0.0.1:8000", address(guarded)).replace("hg_…", KEY)
    assert json.loads(run([programs / "python", "-"], code)) == [1, 0]


def test_kserve(server: WorkerProcess) -> None:
    programs = environment("kserve", "kserve>=0.15")
    found = json.loads(run([programs / "python", SCRIPTS / "kserve_rest.py", address(server)]))
    wanted = ["mine", *native(server)]
    assert (found["json"], found["binary"]) == (wanted, wanted)
    assert (found["live"], found["ready"], found["model"]) == (True, True, [True, False])
    assert "Request for unknown model" in found["unknown"]


def test_the_example_of_kserve(guarded: WorkerProcess) -> None:
    programs = environment("kserve", "kserve>=0.15")
    code = example("KServe, protocol v2").replace("127.0.0.1:8000", address(guarded)).replace("hg_…", KEY)
    assert json.loads(run([programs / "python", "-"], code)) == [1, 0]


@pytest.mark.parametrize("more", [[], ["--binary-data"]], ids=["json", "binary"])
def test_mlserver_infer(server: WorkerProcess, tmp_path: Path, more: list[str]) -> None:
    programs = environment("mlserver", "mlserver>=1.7")
    asked, answered = tmp_path / "asked.jsonl", tmp_path / "answered.jsonl"
    inputs = [{"name": "input", "shape": [1, 3], "datatype": "FP64", "data": row} for row in ROWS]
    lines = [json.dumps({"id": str(place), "inputs": [one]}) + "\n" for place, one in enumerate(inputs)]
    asked.write_text("".join(lines))
    given = ["--url", address(server), "--model-name", "fraud", "--batch-size", "2", "--workers", "1", *more]
    run([programs / "mlserver", "infer", *given, "--input-data-path", asked, "--output-data-path", answered])
    found = {one["id"]: one["outputs"][0]["data"] for one in map(json.loads, answered.read_text().splitlines())}
    assert found == {"0": [1], "1": [0]}
