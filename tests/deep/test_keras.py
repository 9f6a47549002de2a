"""Keras models: compiled where they agree, and no code of theirs is run unasked."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headgate
from headgate.errors import ModelError, Untrusted
from headgate.runtimes.keras import foreign_names

pytest.importorskip("torch", reason="no PyTorch here: make test-deep installs it")
from tests.deep.keras_made import classifier, keras, saved

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]
TABLE = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 3


def test_a_classifier_is_compiled_and_agrees(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(saved(classifier()))
    bundle = headgate.package(path, name="net", data=TABLE, target=LABELS, output=tmp_path / "b")
    manifest = bundle.manifest
    assert (manifest.framework, manifest.task, manifest.classes) == ("keras", "classification", (0, 1, 2))
    assert manifest.forms["native"].options == {"scores": "probabilities"}
    assert not manifest.forms["onnx"].refused, manifest.serves_because
    expected = classifier().predict(TABLE.astype(np.float32), verbose=0)
    for form in ("native", "onnx"):
        np.testing.assert_allclose(headgate.load(bundle, form=form).predict_proba(TABLE), expected, atol=1e-6)


def test_a_model_in_memory_with_two_inputs(tmp_path: Path) -> None:
    image, more = keras.Input((4, 4, 3), name="image"), keras.Input((2,), name="more")
    model = keras.Model([image, more], keras.ops.sum(image, axis=(1, 2, 3)) + keras.ops.sum(more, axis=1))
    data = {"more": np.ones((9, 2)), "image": np.random.default_rng(0).random((9, 4, 4, 3))}
    bundle = headgate.package(model, name="net", data=data, task="regression", output=tmp_path / "b", compile=False)
    expected = data["image"].sum(axis=(1, 2, 3)) + 2
    np.testing.assert_allclose(headgate.load(bundle).predict(data), expected, rtol=1e-5)


def with_lambda() -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda given: given * 2)])


def test_a_lambda_needs_trust(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(saved(with_lambda()))
    options: dict[str, Any] = {"name": "net", "data": TABLE, "task": "regression", "output": tmp_path / "b"}
    with pytest.raises(Untrusted, match=r"--trust-code keras\.layers\.Lambda"):
        headgate.package(path, **options)
    bundle = headgate.package(path, trust_code=["keras.layers.Lambda"], compile=False, **options)
    assert bundle.manifest.trusted_code == ("keras.layers.Lambda",)
    np.testing.assert_allclose(headgate.load(bundle).predict(TABLE), TABLE * 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("keras.utils", "get_file"), ("keras.src.utils.file_utils", "get_file"), ("builtins", "eval")],
)
def test_what_a_configuration_may_not_name(tmp_path: Path, module: str, name: str) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(classifier()))) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "config.json":
                found = json.loads(content)
                found["config"]["layers"].append({"module": module, "class_name": name, "config": {}})
                content = json.dumps(found).encode()
            archive.writestr(entry, content)
    assert foreign_names(target.getvalue()) == [f"{module}.{name}"]
    path = tmp_path / "net.keras"
    path.write_bytes(target.getvalue())
    with pytest.raises(Untrusted, match=name):
        headgate.package(path, name="net", data=TABLE, output=tmp_path / "b")


def test_an_old_file_is_no_keras_model(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(b"\x89HDF")
    with pytest.raises(ModelError, match=r"model\.save"):
        headgate.package(path, name="net", data=TABLE, output=tmp_path / "b")
