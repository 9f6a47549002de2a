"""A bundle packaged with another scikit-learn serves in its own environment, or is refused naming both versions."""

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from headgate.agent.environments import environments_in
from headgate.bundle.bundle import open_bundle
from headgate.errors import HeadgateError
from headgate.installer import find_uv
from headgate.testing.instance import running_instance

ROOT = Path(__file__).parents[2]
OTHER = "1.7.2"
TRAIN = """
import joblib, numpy, sys
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
rows = numpy.random.RandomState(0).rand(200, 3)
model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(rows, (rows[:, 0] > 0.5).astype(int))
joblib.dump(model, sys.argv[1])
"""


def run(*command: str | Path, cwd: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("UV_OFFLINE", "UV_CACHE_DIR")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    if done.returncode and "Failed to fetch" in done.stderr:
        pytest.skip("no package index answers")
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of another machine: Headgate as a wheel, beside an older scikit-learn."""
    folder = tmp_path_factory.mktemp("elsewhere")
    uv, python = find_uv(), folder / "venv" / "bin" / "python"
    run(uv, "venv", "-q", "--python", sys.executable, folder / "venv", cwd=folder)
    run(uv, "pip", "install", "-q", "--python", python, ROOT, f"scikit-learn=={OTHER}", "uv", cwd=folder)
    run(python, "-c", TRAIN, folder / "model.joblib", cwd=folder)
    options = ("--name", "imputed", "--no-compile", "--output", "imputed.hgb")
    run(python, "-m", "headgate", "package", "model.joblib", *options, cwd=folder)
    return folder / "imputed.hgb"


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_another_scikit_learn(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_OFFLINE", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    environment = open_bundle(elsewhere, tmp_path / "opened").manifest.environment
    assert (environment.unlocked, environment.packages["scikit-learn"]) == ("", OTHER)
    row = {"x0": 0.9, "x1": 0.5, "x2": 0.5}
    with running_instance(tmp_path / "allowed") as instance, instance.client() as client:
        client.register(elsewhere)
        client.deploy("imputed:1", endpoint="imputed", timeout=300)
        assert client.predict("imputed", [row])["predictions"] == [1]
        [host] = client.status()["hosts"]
        assert host["python"].startswith(str(environments_in(instance.home)))
    with running_instance(tmp_path / "forbidden", build_environments=False) as instance, instance.client() as client:
        client.register(elsewhere)
        with pytest.raises(HeadgateError, match=f"scikit-learn {OTHER} .here is"):
            client.deploy("imputed:1", endpoint="imputed")
        assert httpx2.post(f"{instance.data_url}/v1/endpoints/imputed/predict", json={"rows": [row]}).status_code in (
            404,
            503,
        )
