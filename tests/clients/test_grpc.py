"""The gRPC clients of Triton and KServe, as they come from the index."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.clients.conftest import KEY
from tests.clients.environment import SCRIPTS, environment, example, run
from tests.serving.test_access import key
from tests.serving.worker_process import WorkerProcess

from headgate.client.local import free_ports
from headgate.home import Home, write_atomically
from headgate.records import AccessTable
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

pytestmark = pytest.mark.heavy
ROWS = [[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]]
TRITON, KSERVE = "tritonclient[grpc]>=2.50", "kserve>=0.15"


@pytest.fixture(scope="module", params=[False, True], ids=["open", "guarded"])
def speaker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker with the endpoint `fraud`, over HTTP and gRPC; one wants the key KEY."""
    home = Home(tmp_path_factory.mktemp("clients")).create()
    publish(home, route_table(build_bundle(home.cache)))
    if request.param:
        table = AccessTable(epoch=1, number=1, required=True, keys=(key(KEY, "*"),))
        write_atomically(home.access, msgspec.json.encode(table))
    settings = Settings(require_keys=request.param, drain_seconds=0.5)
    process = WorkerProcess(home, settings, grpc_port=free_ports(1)[0])
    yield process
    assert process.stop() == 0, process.logged


def address(server: WorkerProcess) -> str:
    return f"127.0.0.1:{server.grpc_port}"


def native(server: WorkerProcess) -> list[Any]:
    answer = server.predict({"instances": ROWS}).json
    return [answer["predictions"], answer["probabilities"]]


@pytest.mark.parametrize("speaker", [False], indirect=True, ids=["open"])
def test_tritonclient(speaker: WorkerProcess) -> None:
    programs = environment("tritonclient-grpc", TRITON)
    found = json.loads(run([programs / "python", SCRIPTS / "triton_grpc.py", address(speaker)]))
    predictions, probabilities = native(speaker)
    assert found["ready"] == [True, True, True]
    assert found["plain"] == ["mine", predictions, probabilities]
    assert found["aio"] == predictions
    assert found["streamed"] == [predictions] * 5
    assert found["inputs"] == ["age", "income", "balance"]
    assert found["config"] == "fraud"
    assert found["index"] == [{"name": "fraud", "version": "1", "state": "READY"}]
    assert found["refused"] == "StatusCode.NOT_FOUND"


@pytest.mark.parametrize("speaker", [False], indirect=True, ids=["open"])
def test_kserve(speaker: WorkerProcess) -> None:
    programs = environment("kserve", KSERVE)
    found = json.loads(run([programs / "python", SCRIPTS / "kserve_grpc.py", address(speaker)]))
    wanted = native(speaker)
    assert found == {"ready": [True, True, True], "raw": wanted, "typed": wanted}


@pytest.mark.parametrize("speaker", [True], indirect=True, ids=["guarded"])
def test_the_example_of_tritonclient(speaker: WorkerProcess) -> None:
    programs = environment("tritonclient-grpc", TRITON)
    code = example("Triton and KServe, over gRPC").replace("127.0.0.1:8001", address(speaker)).replace("hg_…", KEY)
    assert json.loads(run([programs / "python", "-"], code)) == [1, 0]
