"""Versions whose files of boosted trees were crafted: refused, and whoever reads them dies alone."""

import json
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crafted_trees import TABLE, deadly_catboost
from tests.e2e.versions import compiled, questions

from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest
from headgate.demo.load import Load
from headgate.errors import Refused
from headgate.records import Column, Signature
from headgate.testing.bundles import write_bundle
from headgate.testing.instance import Instance, running_instance, until

pytestmark = pytest.mark.heavy


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with running_instance(tmp_path / "home", workers=1, load_seconds=20) as running:
        yield running


def circle_of_xgboost(_folder: Path) -> bytes:
    """XGBoost would follow the first node's child back to it, until its stack ends."""
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBRegressor(n_estimators=2, n_jobs=1).fit(TABLE, TABLE[:, 0])
    written = json.loads(model.get_booster().save_raw("json"))
    tree = written["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["left_children"][tree["left_children"][0]] = 0
    return json.dumps(written).encode()


def wild_child_of_lightgbm(_folder: Path) -> bytes:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1, n_jobs=1).fit(TABLE, TABLE[:, 0])
    text: str = model.booster_.model_to_string()
    return text.replace("left_child=", "left_child=2000000000 ", 1).encode()


CRAFTED = {
    "xgboost": ("model.json", circle_of_xgboost),
    "lightgbm": ("model.txt", wild_child_of_lightgbm),
    "catboost": ("model.cbm", deadly_catboost),
}


def bundle(folder: Path, runtime: str, file: str, content: bytes) -> Bundle:
    golden = {
        "format": 1,
        "inputs": {"columns": {"a": [1.0], "b": [2.0]}},
        "outputs": {"predictions": [0.0]},
        "tolerance": {"absolute": 1e9, "relative": 0},
    }
    manifest = Manifest(
        name="crafted",
        framework=runtime,
        task="regression",
        signature=Signature(
            inputs=tuple(Column(name=name, dtype="float64", example=1.0) for name in "ab"),
            outputs=(Column(name="predictions", dtype="float64"),),
        ),
        forms={"native": Form(runtime=runtime, path=file)},
        serves="native",
        environment=Environment(python=platform.python_version().rpartition(".")[0]),
        files={},
    )
    return open_bundle(write_bundle(folder, manifest, {file: content, GOLDEN: json.dumps(golden).encode()}).folder)


@pytest.mark.parametrize("runtime", CRAFTED)
def test_a_crafted_file_takes_no_traffic_and_no_process_that_does(
    instance: Instance, tmp_path: Path, runtime: str
) -> None:
    file, craft = CRAFTED[runtime]
    crafted = bundle(tmp_path / "crafted", runtime, file, craft(tmp_path / "search"))
    good, model = compiled(tmp_path / "bundles", 1)
    with instance.client() as client:
        client.register(good)
        client.deploy("fraud:1", "fraud")
        client.register(crafted)
        workers = instance.worker_pids()
        with Load(instance.data_url, "fraud", questions({"fraud:1": model}), connections=2) as load:
            with pytest.raises(Refused, match="crafted:1"):
                client.deploy("crafted:1", "crafted")
            until(lambda: load.sent > 100, "requests meanwhile")
        assert (load.tally.failed, load.tally.wrong) == (0, 0), load.tally.faults
        assert instance.worker_pids() == workers
