"""Every framework in the table keeps the contract: an entry is tested from when it is there, on its own small model."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import joblib
import pytest
from tests.packaging.framework_samples import SAMPLES

from headgate.packaging.frameworks.framework import Compiling
from headgate.packaging.frameworks.pickles import SUFFIXES
from headgate.packaging.frameworks.registry import (
    FRAMEWORKS,
    framework_in_pickle,
    framework_of_object,
    framework_of_path,
    load_exporter,
    shown_suffixes,
)
from headgate.packaging.recognise import recognise
from headgate.runtimes.registry import RUNTIMES

# frameworks warn of themselves
HEAVY = [pytest.mark.heavy, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


def marked(names: Iterable[str]) -> list[Any]:
    """Those whose library takes long to install run with the heavy tests."""
    return [pytest.param(name, marks=HEAVY if SAMPLES[name].library else [], id=name) for name in sorted(names)]


MODELS = marked(SAMPLES)
TAKING = {name for name, each in FRAMEWORKS.items() if each.objects and each.objects.unpickled}
# objects of plain Python must be trusted by name
PICKLED = marked(TAKING - {"python"})
COMPILED = [name for name, framework in FRAMEWORKS.items() if isinstance(framework.compiling, Compiling)]
# what is imported when a model is there, and never by a record
LAZY = (
    "sklearn", "xgboost", "lightgbm", "catboost", "torch", "keras", "transformers", "onnx", "onnxruntime", "skl2onnx",
    "pandas", "sklearn_pmml_model",
)  # fmt: skip


def made(name: str, folder: Path) -> Any:
    """The framework's small model."""
    sample = SAMPLES[name]
    if sample.library:
        pytest.importorskip(sample.library, reason="make test-all and make test-deep install it")
    (folder / "given").mkdir()
    return sample.make(folder / "given")


def test_every_framework_has_a_model() -> None:
    assert SAMPLES.keys() == FRAMEWORKS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_its_model_is_recognised(name: str, tmp_path: Path) -> None:
    model = made(name, tmp_path)
    found = recognise(model, tmp_path)
    assert found.framework.name == name
    assert (tmp_path / found.kept.file).exists()
    assert found.kept.trusted == ()
    assert found.framework.version() or name == "python"
    # what is kept is recognised again, as long as no pickle hides it
    kept = tmp_path / found.kept.file
    assert framework_of_path(kept) is found.framework or kept.suffix in SUFFIXES
    if not isinstance(model, Path):
        assert framework_of_object(model) is found.framework


@pytest.mark.parametrize("name", MODELS)
def test_its_bundle_says_what_it_is_and_needs(name: str, tmp_path: Path, package: Any) -> None:
    framework = FRAMEWORKS[name]
    manifest = package(made(name, tmp_path), data=SAMPLES[name].data, lock=False).manifest
    assert (manifest.framework, manifest.framework_version) == (name, framework.version())
    assert manifest.forms[framework.form].runtime == framework.runtime
    assert manifest.signature.features
    assert manifest.environment.direct
    assert set(manifest.environment.direct) <= manifest.environment.packages.keys()
    assert set(framework.needs.distributions) & manifest.environment.packages.keys() or framework.needs.modules
    if isinstance(framework.compiling, str):
        assert manifest.forms.keys() == {framework.form}
        assert manifest.serves_because == framework.compiling
    else:
        # the small model of each framework that is compiled is
        assert manifest.forms["onnx"].parity, manifest.forms["onnx"].refused


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_its_record_is_whole(name: str) -> None:
    framework = FRAMEWORKS[name]
    assert framework.name == name
    assert framework.runtime in RUNTIMES
    assert framework.files or framework.objects
    assert framework.needs.distributions or framework.needs.modules
    assert framework.sample > 1
    if isinstance(framework.compiling, str):
        assert framework.compiling.endswith(".")
    # nothing that is no model is taken for one
    for odd in (None, 3, "text", [], {}, object(), int, ValueError()):
        assert not (framework.objects and framework.objects.holds(odd)), odd


@pytest.mark.parametrize("name", COMPILED)
def test_its_exporter_is_there(name: str) -> None:
    assert callable(load_exporter(name))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_its_files_are_no_other_frameworks(name: str, tmp_path: Path) -> None:
    files = FRAMEWORKS[name].files
    for suffix in files.suffixes if files else ():
        for spelled in (suffix, suffix.upper()):
            path = tmp_path / f"given{spelled}"
            path.write_bytes(b"")
            takers = [each.name for each in FRAMEWORKS.values() if each.files and each.files.know(path)]
            assert takers == [name]
        assert suffix not in SUFFIXES


def test_every_suffix_is_shown_once() -> None:
    assert len(shown_suffixes()) == len(set(shown_suffixes())) > 10


@pytest.mark.parametrize("name", PICKLED)
def test_its_model_in_a_pickle_is_recognised(name: str, tmp_path: Path) -> None:
    joblib.dump(made(name, tmp_path), tmp_path / "given.joblib")
    found = recognise(tmp_path / "given.joblib", tmp_path)
    assert (found.framework.name, found.kept.file) == (name, "model.joblib")


def test_what_is_no_model_is_no_frameworks_in_a_pickle() -> None:
    assert framework_in_pickle({"a": 1}) is None


def test_records_import_no_framework() -> None:
    code = "import sys; from headgate.packaging.frameworks import registry; print(*sys.modules.keys() & set(sys.argv))"
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    told = subprocess.run(
        [sys.executable, "-c", code, *LAZY], capture_output=True, text=True, check=True, env=os.environ | path
    )
    assert told.stdout.split() == []
