"""A framework from somebody's own package: its runtime and its record, declared by entry points, are all there is."""

import sys
from pathlib import Path
from typing import Any

import pytest

import headgate
from headgate.errors import ModelError, UnsupportedType

RUNTIME = """
import numpy as np
from headgate.bundle.bundle import verified_bytes

class Words:
    device = "cpu"

    def __init__(self, known):
        self.known = known

    def predict(self, batch):
        (texts,) = batch.columns.values()
        return {"predictions": np.array([float(sum(word in self.known for word in text.split())) for text in texts])}

    def stream(self, batch):
        yield self.predict(batch)

    def close(self):
        pass

class WordsRuntime:
    name = "words"
    preload = ()

    def load(self, folder, manifest, form):
        return Words(set(verified_bytes(folder, manifest, manifest.forms[form].path).decode().split()))
"""
RECORD = """
from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.framework import Files, Framework, Kept, Needs
from headgate.records import Column

WORDS = Framework(
    name="words",
    runtime="words",
    version=lambda: "1.0",
    facts=lambda kept, folder: Facts((Column(name="text", dtype="string"),), True, "regression"),
    compiling="Words are counted as they are.",
    needs=Needs(("words-runtime",), frames=False),
    files=Files((".words",), lambda path, folder, trust: Kept(copied(path, folder).name)),
)
"""
POINTS = "[headgate.runtimes]\nwords = words_runtime:WordsRuntime\n[headgate.frameworks]\nwords = {}\n"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The distribution `words-runtime`, as an installer leaves it; its entry points."""
    site = tmp_path / "site"
    about = site / "words_runtime-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: words-runtime\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS.format("words_packaging:WORDS"))
    (site / "words_runtime.py").write_text(RUNTIME)
    (site / "words_packaging.py").write_text(RECORD)
    monkeypatch.syspath_prepend(site)
    for module in ("words_runtime", "words_packaging"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return about / "entry_points.txt"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "given.words"
    path.write_text("good bad")
    return path


def test_models_of_a_plug_in_are_packaged_and_answer(installed: Path, given: Path, package: Any) -> None:
    bundle = package(given, data={"text": ["good and bad", "neither"]}, lock=False)
    manifest = bundle.manifest
    assert (manifest.framework, manifest.framework_version, manifest.task) == ("words", "1.0", "regression")
    assert (manifest.serves, manifest.serves_because) == ("native", "Words are counted as they are.")
    assert manifest.environment.direct == ("words-runtime",)
    assert headgate.load(bundle.folder).predict({"text": ["good and bad"]}).tolist() == [2.0]


def test_without_the_plug_in_its_files_are_unknown(given: Path, package: Any) -> None:
    with pytest.raises(UnsupportedType, match=r"given\.words"):
        package(given)


@pytest.mark.parametrize("declared", ["words_packaging:NOTHING", "no_such_module:WORDS", "words_runtime:WordsRuntime"])
def test_a_plug_in_that_is_none_is_named(installed: Path, given: Path, package: Any, declared: str) -> None:
    installed.write_text(POINTS.format(declared))
    with pytest.raises(ModelError, match=f"Framework 'words'.*{declared}"):
        package(given)


def test_a_plug_in_replaces_none_of_ours(installed: Path, tmp_path: Path, package: Any) -> None:
    installed.write_text("[headgate.frameworks]\npython = no_such_module:PYTHON\n")
    path = tmp_path / "given.py"
    path.write_text("class Zero:\n    def predict(self, rows):\n        return [0.0] * len(rows)\nmodel = Zero()\n")
    assert package(path, data=[[1.0]], lock=False).manifest.framework == "python"
