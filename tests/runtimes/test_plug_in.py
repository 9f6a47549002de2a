"""A runtime from somebody's own package: an installed distribution with an entry point, and objects of any kind."""

import sys
from pathlib import Path

import numpy as np
import pytest

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import NotFound, Untrusted
from headgate.records import Column, Signature
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.local import load
from headgate.runtimes.registry import load_runtime, runtime_names
from headgate.testing.bundles import BuiltBundle, write_bundle

# what a package for spaCy would hold: text in, whatever its pipeline answers out
SOURCE = """
import numpy as np
from headgate.bundle.bundle import verified_bytes

class Words:
    device = "cpu"

    def __init__(self, known):
        self.known = known

    def predict(self, batch):
        (texts,) = batch.columns.values()
        counts = [sum(word in self.known for word in text.split()) for text in texts]
        return {"predictions": np.array(counts)}

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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The distribution `words-runtime`, as an installer leaves it."""
    site = tmp_path / "site"
    about = site / "words_runtime-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: words-runtime\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[headgate.runtimes]\nwords = words_runtime:WordsRuntime\n")
    (site / "words_runtime.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "words_runtime", raising=False)
    return site


def bundle(cache: Path) -> BuiltBundle:
    manifest = Manifest(
        name="words",
        framework="words",
        task="regression",
        signature=Signature(inputs=(Column(name="text", dtype="string"),)),
        forms={"native": Form(runtime="words", path="vocabulary.txt")},
        serves="native",
        environment=Environment(python="3.11", packages={"words-runtime": "1.0"}),
        files={},
    )
    return write_bundle(cache, manifest, {"vocabulary.txt": b"good bad"})


def test_an_installed_runtime_answers(installed: Path, tmp_path: Path) -> None:
    assert runtime_names()["words"] == "words_runtime:WordsRuntime"
    built = bundle(tmp_path)
    model = load_runtime("words").load(built.folder, built.manifest, "native")
    batch = batch_from_columns(built.manifest.signature, {"text": ["good and bad", "neither"]})
    np.testing.assert_array_equal(model.predict(batch)["predictions"], [2, 0])


def test_its_bundles_are_trusted_by_signature_only(installed: Path, tmp_path: Path) -> None:
    # nobody knows what a plug-in does with a file
    with pytest.raises(Untrusted):
        load(bundle(tmp_path).folder)


def test_without_the_package_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no runtime 'words'.*Is its package installed"):
        load_runtime("words")
