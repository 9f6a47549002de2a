"""`headgate import`: a bundle, and an account of what was and what was not taken over."""

import json
from pathlib import Path

import joblib
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from headgate.bundle.bundle import open_bundle
from headgate.cli.main import headgate
from headgate.errors import NotFound, Unreachable


def test_a_triton_model_becomes_a_bundle_and_what_is_left_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signing_key: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = load_iris(return_X_y=True)
    joblib.dump(LogisticRegression(max_iter=500).fit(x, y), tmp_path / "model.joblib")
    bundle = CliRunner().invoke(
        headgate, ["package", "model.joblib", "--name", "iris", "--output", str(tmp_path / "b")]
    )
    assert bundle.exit_code == 0, bundle.output
    version = tmp_path / "iris" / "1"
    version.mkdir(parents=True)
    packaged = open_bundle(tmp_path / "b")
    (version / "model.onnx").write_bytes((packaged.folder / packaged.manifest.forms["onnx"].path).read_bytes())
    (tmp_path / "iris" / "config.pbtxt").write_text('name: "iris" max_batch_size: 8 instance_group [ { count: 2 } ]')
    done = CliRunner().invoke(headgate, ["import", "triton", "iris", "--output", "json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert {"what": "1/model.onnx", "as": "the model"} in told["taken"]
    assert [note["what"] for note in told["left"]] == ["max_batch_size", "instance_group"]
    assert open_bundle(tmp_path / "iris.hgb", tmp_path / "unpacked").manifest.framework == "onnx"


def test_a_name_is_asked_of_sagemaker_in_the_region_that_is_given(
    monkeypatch: pytest.MonkeyPatch, bucket: str, aws_settings: Path
) -> None:
    done = CliRunner().invoke(headgate, ["import", "sagemaker", "nowhere", "--region", "eu-west-1"])
    assert isinstance(done.exception, NotFound)
    assert "SageMaker in eu-west-1 has no such model" in done.exception.message
    # that of the environment is the default
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    done = CliRunner().invoke(headgate, ["import", "sagemaker", "nowhere"])
    assert isinstance(done.exception, Unreachable)
    assert "SageMaker in us-east-1" in done.exception.message


def test_an_unknown_product_is_wrong_usage() -> None:
    assert CliRunner().invoke(headgate, ["import", "pmml", "x"]).exit_code == 2
