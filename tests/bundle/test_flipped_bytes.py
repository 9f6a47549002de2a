"""One changed byte, in any file of a bundle or anywhere in its archive: none of it is loaded (SEC-34)."""

import random
import shutil
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

import headgate
from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.signing import TrustedKeys, load_or_create_key, require_trust
from headgate.errors import HeadgateError
from headgate.runtimes.registry import load_runtime

SOME, MANY = 25, 1_000
COMPILED = pytest.param("compiled", MANY, marks=[pytest.mark.heavy, pytest.mark.timeout(900)])
both = pytest.mark.parametrize(("packaged", "flips"), [("native", SOME), COMPILED], indirect=["packaged"])
PART = "part of it was loaded though a byte had changed"


@pytest.fixture(scope="module")
def packaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, signing_key: Path) -> Bundle:
    """A bundle with every kind of file that packaging writes."""
    rows = [[0.1, 0.2], [0.9, 0.4], [0.3, 0.8], [0.7, 0.6]]
    model = LogisticRegression().fit(rows, [0, 1, 0, 1])
    output = tmp_path_factory.mktemp("packaged") / "bundle"
    held = (rows, [0, 1, 0, 1])
    return headgate.package(
        model, name="m", data=rows, holdout=held, output=output, compile=request.param == "compiled"
    )


@both
def test_no_file_is_loaded_with_a_changed_byte(packaged: Bundle, flips: int, tmp_path: Path, signing_key: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(packaged.folder, folder)
    trusted = TrustedKeys().and_key(load_or_create_key(signing_key))
    chance = random.Random(flips)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert {"manifest.json", "manifest.sig", "model.joblib", "requirements.txt", "sbom.cdx.json"} <= set(names)
    for name in names:
        path, content = folder / name, (folder / name).read_bytes()
        for _ in range(flips):
            path.write_bytes(_flipped(content, chance))
            with pytest.raises(HeadgateError):
                require_trust(open_bundle(folder), trusted)
                pytest.fail(f"{name}: {PART}")
            _no_loader_takes(packaged, folder, name)
        path.write_bytes(content)
    assert require_trust(open_bundle(folder), trusted)


@both
def test_no_archive_is_unpacked_with_a_changed_byte(
    packaged: Bundle, flips: int, tmp_path: Path, signing_key: Path
) -> None:
    trusted = TrustedKeys().and_key(load_or_create_key(signing_key))
    archive = packaged.pack(tmp_path / "m.hgb")
    content, chance = archive.read_bytes(), random.Random(flips)
    for number in range(5 * flips):
        archive.write_bytes(_flipped(content, chance))
        with pytest.raises(HeadgateError):
            require_trust(open_bundle(archive, tmp_path / f"opened-{number}"), trusted)
            pytest.fail(PART)
        shutil.rmtree(tmp_path / f"opened-{number}", ignore_errors=True)


def _flipped(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    changed = bytearray(content)
    changed[place] ^= chance.randrange(1, 256)
    return bytes(changed)


def _no_loader_takes(packaged: Bundle, folder: Path, name: str) -> None:
    """The loader alone, as a host calls it after the files were verified: it verifies what it reads once more."""
    for form, chosen in packaged.manifest.forms.items():
        if chosen.path == name:
            with pytest.raises(HeadgateError):
                load_runtime(chosen.runtime).load(folder, packaged.manifest, form)
                pytest.fail(f"{name}: {PART}")
