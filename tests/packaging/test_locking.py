"""What a model needs is named with hashes, or the bundle says why not; the bill of materials says the same."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.packaging.estimators import forest, iris
from tests.wheels import make_index, repack

from headgate import installer
from headgate.bundle.manifest import REQUIREMENTS, SBOM
from headgate.bundle.requirements import check_requirements, read_hashes, requirements_text
from headgate.errors import EnvironmentMismatch
from headgate.packaging.environment import imported_modules

MODEL = """
import json, greeting
from xml import sax

class Model:
    def predict(self, rows):
        import numpy.linalg
        return rows.sum(axis=1)

model = Model()
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that a model in plain Python needs."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in ("numpy", "msgspec"):
        repack(name, folder)
    return folder


@pytest.fixture
def offline(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder is all that uv finds."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", make_index(wheels, tmp_path / "index"))
    return wheels


def python_model(folder: Path) -> Path:
    path = folder / "given.py"
    path.write_text(
        "import numpy\nclass Model:\n    def predict(self, rows):\n        return rows.sum(axis=1)\nmodel = Model()\n"
    )
    return path


ROWS = {"a": [1.0, 2.0], "b": [0.5, 0.25]}


def test_every_package_has_its_hashes(package: Any, offline: Path, tmp_path: Path) -> None:
    bundle = package(python_model(tmp_path), data=ROWS)
    environment = bundle.manifest.environment
    assert environment.unlocked == ""
    assert environment.direct == ("numpy",)
    assert environment.packages.keys() == {"numpy", "msgspec"}
    text = (bundle.folder / REQUIREMENTS).read_text()
    check_requirements(text, environment)
    digests = {f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in offline.iterdir()}
    assert {each for hashes in read_hashes(text).values() for each in hashes} == digests
    # neither where they were found nor who found them
    assert "://" not in text and str(offline) not in text and "#" not in text
    again = package(python_model(tmp_path), data=ROWS)
    assert again.digest == bundle.digest


@pytest.mark.parametrize("network", ["off", "silent", "unknown", "no uv", "not wanted"])
def test_without_hashes_the_bundle_says_why(
    package: Any, network: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reasons = {
        "off": "no package index could be asked",
        "silent": "no package index could be asked",
        "unknown": "the package index does not list every package in its installed version with a hash",
        "no uv": installer.MISSING,
        "not wanted": "locking was switched off",
    }
    if network in ("silent", "unknown"):
        monkeypatch.delenv("UV_OFFLINE")
        (tmp_path / "index" / "numpy").mkdir(parents=True)
        nobody, empty = "http://127.0.0.1:9/simple", (tmp_path / "index").as_uri()
        monkeypatch.setenv("UV_DEFAULT_INDEX", nobody if network == "silent" else empty)
    elif network == "no uv":
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        monkeypatch.setenv("PATH", "/nowhere")
    bundle = package(python_model(tmp_path), data=ROWS, lock=network != "not wanted")
    environment = bundle.manifest.environment
    assert environment.unlocked == reasons[network]
    text = (bundle.folder / REQUIREMENTS).read_text()
    assert text == "".join(f"{name}=={version}\n" for name, version in sorted(environment.packages.items()))
    assert environment.unlocked in (bundle.folder / "card.md").read_text()
    with pytest.raises(EnvironmentMismatch, match="no hash"):
        check_requirements(text, environment)


def test_the_bill_of_materials_is_cyclonedx(package: Any) -> None:
    bundle = package(forest(2).fit(*iris()), compile=False)
    text = (bundle.folder / SBOM).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert {part["name"]: part["version"] for part in bill["components"] if part["type"] == "library"} == (
        bundle.manifest.environment.packages
    )
    needs = {entry["ref"].partition("@")[0]: entry["dependsOn"] for entry in bill["dependencies"]}
    assert any(ref.startswith("pkg:pypi/scipy@") for ref in needs["pkg:pypi/scikit-learn"])
    # nothing of the clock or of chance
    assert "serialNumber" not in bill and "timestamp" not in bill["metadata"]


def test_a_models_own_imports_count() -> None:
    assert imported_modules(MODEL.encode()) == {"greeting", "numpy"}
    assert imported_modules(b"from . import beside\nfrom .near import x") == set()


@pytest.mark.parametrize(
    "line",
    [
        "--index-url=http://evil.example", "-r /etc/passwd", "git+file:///tmp/x", "x @ file:///tmp/x", "x==1; touch y",
        "x==1 --hash=md5:00", "x==1 --config-settings=a", "x", "x==", "../x==1", "X==1", "x==1 --hash=sha256:00",
    ],
)  # fmt: skip
def test_lines_that_are_no_pins_never_reach_an_installer(line: str) -> None:
    """SEC-18"""
    with pytest.raises(EnvironmentMismatch):
        read_hashes(f"{line}\n")


def test_a_name_that_is_no_name_is_not_written() -> None:
    with pytest.raises(EnvironmentMismatch):
        requirements_text({"--index-url=http://evil": "1"}, {})
