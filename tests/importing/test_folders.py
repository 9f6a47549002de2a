"""Models as other products keep them on disk: what is found, what is left, and what is refused."""

import io
import json
import os
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import pytest
import yaml
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from headgate.errors import BadArchive, Conflict, HeadgateError, Malformed, NotFound, UnsupportedType
from headgate.importing.found import Found
from headgate.importing.registry import SOURCES, find_model
from headgate.packaging.package import package

COLUMNS = ["length", "width", "petal length", "petal width"]


@pytest.fixture(scope="module")
def pickled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    x, y = load_iris(return_X_y=True)
    path = tmp_path_factory.mktemp("model") / "model.pkl"
    joblib.dump(LogisticRegression(max_iter=500).fit(x, y), path)
    return path


def mlflow_folder(folder: Path, pickled: Path, **fields: Any) -> Path:
    """As MLflow 3 writes it for scikit-learn."""
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickled.read_bytes())
    (folder / "requirements.txt").write_text("scikit-learn==1.9.1\n")
    columns = [{"type": "double", "name": name, "required": True} for name in COLUMNS]
    (folder / "input_example.json").write_text(
        json.dumps({"columns": COLUMNS, "data": [[5, 3.5, 1.4, 0.2], [7, 3, 4.7, 1.4]]})
    )
    described = {
        "artifact_path": "iris",
        "flavors": {
            "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl"},
            "sklearn": {"code": None, "pickled_model": "model.pkl", "serialization_format": "cloudpickle"},
        },
        "run_id": "0f3a",
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "pandas_orient": "split",
            "type": "dataframe",
        },
        "signature": {"inputs": json.dumps(columns), "outputs": "[]", "params": None},
        "utc_time_created": "2026-11-28 13:57:28.529424",
    } | fields
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    return folder


def left(found: Found) -> set[str]:
    return {note.what for note in found.left}


def test_an_mlflow_model_is_packaged_with_its_columns_and_lineage(tmp_path: Path, pickled: Path) -> None:
    found = find_model("mlflow", mlflow_folder(tmp_path / "m", pickled), tmp_path)
    assert found.name == "iris"
    assert left(found) == {"flavour python_function", "requirements.txt"}
    bundle = package(found, name="iris", lock=False, output=tmp_path / "b")
    inputs = bundle.manifest.signature.inputs
    # 5 and 7 are whole numbers in the example, and doubles in MLflow's signature
    assert [(column.name, column.dtype) for column in inputs] == [(name, "float64") for name in COLUMNS]
    assert {(column.minimum, column.maximum) for column in inputs} == {(None, None)}
    assert bundle.manifest.lineage.parent_run == "mlflow:0f3a"
    assert bundle.manifest.lineage.trained_at == "2026-11-28 13:57:28.529424"
    # two rows are no training data
    assert bundle.manifest.lineage.data_rows == 0


def test_an_mlflow_folder_is_taken_over_in_one_way(tmp_path: Path, pickled: Path) -> None:
    """By name or by what the folder says itself: the same bundle, and the caller's word stands over the folder's."""
    folder = mlflow_folder(tmp_path / "m", pickled)
    (tmp_path / "scratch").mkdir()
    found = find_model("mlflow", folder, tmp_path / "scratch")
    options: dict[str, Any] = {"name": "iris", "lock": False, "compile": False}
    direct = package(folder, output=tmp_path / "direct", **options)
    assert direct.digest == package(found, output=tmp_path / "found", **options).digest
    lineage = {"trained_at": "in May"}
    corrected = package(folder, lineage=lineage, example=[[1.0] * 4], output=tmp_path / "corrected", **options).manifest
    assert corrected.lineage.trained_at == "in May"
    assert corrected.lineage.parent_run == "mlflow:0f3a"
    assert [column.name for column in corrected.signature.inputs] == ["x0", "x1", "x2", "x3"]


@pytest.mark.parametrize("name", ["../model.pkl", "/etc/passwd", "a/../../model.pkl", "", ".", "a\0b", 7, "linked"])
def test_names_in_an_mlmodel_do_not_lead_out_of_its_folder(tmp_path: Path, pickled: Path, name: object) -> None:
    folder = mlflow_folder(tmp_path / "m", pickled, flavors={"sklearn": {"pickled_model": name}})
    (folder / "linked").symlink_to(pickled)
    with pytest.raises((Malformed, UnsupportedType)):
        find_model("mlflow", folder, tmp_path)


def test_flavours_of_their_own_code_are_refused_with_the_next_step(tmp_path: Path, pickled: Path) -> None:
    folder = mlflow_folder(tmp_path / "m", pickled, flavors={"python_function": {"python_model": "model.pkl"}})
    with pytest.raises(UnsupportedType, match=r"\.py file that defines `model`"):
        find_model("mlflow", folder, tmp_path)


@pytest.mark.parametrize("content", ["", "- a", "flavors: 7", "a: &a [*a]\nflavors: {}", "flavors: {sklearn: 3}"])
def test_a_damaged_mlmodel_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "MLmodel").write_text(content)
    with pytest.raises((Malformed, UnsupportedType)):
        find_model("mlflow", tmp_path, tmp_path)


@pytest.mark.parametrize("inputs", ['["length"]', "7", "{}{", '[{"name": "length", "type": []}]'])
def test_an_example_that_the_signature_does_not_fit_is_refused(tmp_path: Path, pickled: Path, inputs: str) -> None:
    folder = mlflow_folder(tmp_path / "m", pickled, signature={"inputs": inputs})
    with pytest.raises(Malformed, match="input example"):
        find_model("mlflow", folder, tmp_path)


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_a_sagemaker_archive_gives_its_model_and_names_its_code(tmp_path: Path, pickled: Path) -> None:
    packed = archive(
        tmp_path / "model.tar.gz",
        {"model.pkl": pickled.read_bytes(), "code/inference.py": b"def model_fn(d): ...", "code/requirements.txt": b""},
    )
    found = find_model("sagemaker", packed, tmp_path)
    assert found.model.read_bytes() == pickled.read_bytes()
    assert left(found) == {"code/inference.py", "code/requirements.txt"}


@pytest.mark.parametrize(
    ("content", "suffix"), [(b'{"learner":1}', ".json"), (b"{L\x00", ".ubj"), (b"\x80\x04", ".pkl")]
)
def test_the_xgboost_containers_file_is_named_by_its_bytes(tmp_path: Path, content: bytes, suffix: str) -> None:
    found = find_model("sagemaker", archive(tmp_path / "model.tar.gz", {"xgboost-model": content}), tmp_path)
    assert found.model.suffix == suffix


def test_what_lies_beside_a_model_is_none(tmp_path: Path, pickled: Path) -> None:
    beside = {"requirements.txt": b"numpy", "input_example.json": b"{}"}
    packed = archive(tmp_path / "model.tar.gz", {"model.joblib": pickled.read_bytes(), **beside})
    found = find_model("sagemaker", packed, tmp_path)
    assert found.model.name == "model.joblib"
    assert left(found) == set(beside)


def test_an_archive_of_two_models_or_none_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"a\.joblib, b\.joblib"):
        find_model("sagemaker", archive(tmp_path / "2.tar.gz", {"a.joblib": b"", "b.joblib": b""}), tmp_path / "2")
    with pytest.raises(NotFound):
        find_model("sagemaker", archive(tmp_path / "0.tar.gz", {"readme.md": b""}), tmp_path / "0")


@pytest.mark.parametrize("name", ["../model.pkl", "/tmp/model.pkl", "a/../../model.pkl"])
def test_an_archive_does_not_write_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with suppress(HeadgateError):
        find_model("sagemaker", archive(tmp_path / "model.tar.gz", {name: b"x"}), scratch)
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and scratch not in path.parents]
    assert outside == [tmp_path / "model.tar.gz"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_an_archive_holds_plain_files_only(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("model.pkl")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(BadArchive):
        find_model("sagemaker", tmp_path / "model.tar.gz", tmp_path)


@pytest.mark.parametrize("size", [0, 10, 200])
def test_a_cut_off_archive_is_refused(tmp_path: Path, pickled: Path, size: int) -> None:
    whole = archive(tmp_path / "model.tar.gz", {"model.pkl": os.urandom(500)}).read_bytes()
    (tmp_path / "model.tar.gz").write_bytes(whole[:size])
    with pytest.raises(BadArchive):
        find_model("sagemaker", tmp_path / "model.tar.gz", tmp_path)


CONFIG = """
name: "forest"  # a comment
backend: "onnxruntime"
max_batch_size: 64
input [ { name: "X" data_type: TYPE_FP32 dims: [ 30 ] } ]
output [ { name: "label" data_type: TYPE_INT64 dims: [ 1 ] label_filename: "labels.txt" } ]
instance_group [ { count: 2 kind: KIND_CPU } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }
parameters: { key: "threshold", value: { string_value: "0.5" } }
"""


def test_a_triton_repository_gives_its_highest_version(tmp_path: Path) -> None:
    for version in ("1", "2", "10"):
        (tmp_path / "forest" / version).mkdir(parents=True)
        (tmp_path / "forest" / version / "model.onnx").write_text(version)
    (tmp_path / "forest" / "config.pbtxt").write_text(CONFIG)
    found = find_model("triton", tmp_path / "forest", tmp_path)
    assert (found.name, found.model.read_text()) == ("forest", "10")
    assert left(found) == {
        "max_batch_size", "instance_group", "dynamic_batching", "parameters.threshold", "labels of label",
        "version 1", "version 2",
    }  # fmt: skip
    assert find_model("triton", tmp_path / "forest" / "2", tmp_path).model.read_text() == "2"


@pytest.mark.parametrize("name", ["model.plan", "model.py", "checkpoint.tl"])
def test_what_only_triton_runs_is_refused_with_the_next_step(tmp_path: Path, name: str) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / name).write_text("")
    with pytest.raises(UnsupportedType, match=r"import the|put what"):
        find_model("triton", tmp_path, tmp_path)


def bentoml_folder(folder: Path, file: str, content: bytes) -> Path:
    folder.mkdir(parents=True)
    (folder / file).write_bytes(content)
    described = {
        "name": "iris",
        "version": "x7k2",
        "module": "bentoml.sklearn",
        "labels": {},
        "signatures": {"predict": {"batchable": True}},
        "context": {"framework_versions": {"scikit-learn": "1.9.1"}},
        "creation_time": "2026-11-01T10:00:00",
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(described))
    return folder


def test_a_model_of_bentomls_store_is_found_also_through_its_latest(tmp_path: Path, pickled: Path) -> None:
    bentoml_folder(tmp_path / "iris" / "x7k2", "saved_model.pkl", pickled.read_bytes())
    (tmp_path / "iris" / "latest").write_text("x7k2")
    for place in (tmp_path / "iris" / "x7k2", tmp_path / "iris"):
        found = find_model("bentoml", place, tmp_path)
        assert found.model.read_bytes() == pickled.read_bytes()
        assert found.lineage["parent_run"] == "bentoml:iris:x7k2"
        assert left(found) == {"signatures", "context"}


def test_the_latest_of_several_tags_in_bentomls_store_is_the_one(tmp_path: Path) -> None:
    for tag in ("old", "new"):
        bentoml_folder(tmp_path / "iris" / tag, "saved_model.pkl", tag.encode())
    (tmp_path / "iris" / "latest").write_text("new\n")
    assert find_model("bentoml", tmp_path / "iris", tmp_path).model.read_bytes() == b"new"


@pytest.mark.parametrize("latest", [".", "..", "", "/", "linked"])
def test_a_latest_that_names_no_folder_of_the_store_is_refused(tmp_path: Path, latest: str) -> None:
    bentoml_folder(tmp_path / "iris" / "x", "saved_model.pkl", b"")
    (tmp_path / "iris" / "linked").symlink_to(tmp_path)
    (tmp_path / "iris" / "latest").write_text(latest)
    with pytest.raises(Malformed):
        find_model("bentoml", tmp_path / "iris", tmp_path)


def test_a_bento_with_several_models_names_them(tmp_path: Path, pickled: Path) -> None:
    for name in ("a", "b"):
        bentoml_folder(tmp_path / "models" / name / "v", "saved_model.pkl", b"")
    with pytest.raises(Conflict, match="models/a/v, models/b/v"):
        find_model("bentoml", tmp_path, tmp_path)


def test_a_bentoml_model_of_unknown_form_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedType, match="Load it with BentoML"):
        find_model("bentoml", bentoml_folder(tmp_path / "m", "custom.bin", b""), tmp_path)


@pytest.mark.parametrize("source", SOURCES)
def test_every_reader_refuses_what_is_not_its_own(tmp_path: Path, source: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for place in (empty, tmp_path / "nowhere", tmp_path / "nowhere.tar.gz"):
        with pytest.raises((NotFound, BadArchive)):
            find_model(source, place, tmp_path / "scratch")


def test_an_unknown_product_is_refused_naming_the_known(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="mlflow, sagemaker, triton, bentoml"):
        find_model("pmml", tmp_path, tmp_path)
