"""A bundle is its manifest and exactly the files that it names, as a folder or as one file."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headgate.bundle.bundle import Bundle, decode_manifest, open_bundle, read_manifest, verified_bytes, verify_files
from headgate.bundle.manifest import Environment, FileEntry, Form, Manifest, canonical_bytes, digest_of
from headgate.errors import BadArchive, Conflict, Corrupt, HeadgateError, Malformed, NotFound, TooLarge
from headgate.records import Column, Signature

FILES = {"model.bin": b"\x00model", "deep/er.txt": b"text", "empty": b""}


def manifest_of(files: dict[str, bytes], **changes: object) -> Manifest:
    entries = {name: FileEntry(sha256=hashlib.sha256(data).hexdigest(), size=len(data)) for name, data in files.items()}
    fields: dict[str, object] = {
        "name": "fraud",
        "framework": "python",
        "task": "regression",
        "signature": Signature(inputs=(Column(name="a", dtype="float64"),)),
        "forms": {"native": Form(runtime="python", path="model.bin")},
        "serves": "native",
        "environment": Environment(python="3.11"),
        "files": entries,
    }
    return Manifest(**(fields | changes))  # type: ignore[arg-type]  # fields by name


def write(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, data in {**files, "manifest.json": canonical_bytes(manifest_of(files))}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "bundle")


def test_a_folder_opens_as_what_its_manifest_says(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert bundle == Bundle(folder, manifest_of(FILES), digest_of(manifest_of(FILES)))


def test_a_packed_bundle_is_the_same_bundle(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.sig").write_bytes(b"{}")
    packed = open_bundle(folder).pack(tmp_path / "fraud.hgb")
    opened = open_bundle(packed, tmp_path / "out")
    assert (opened.manifest, opened.digest) == (open_bundle(folder).manifest, open_bundle(folder).digest)
    assert (opened.folder / "manifest.sig").read_bytes() == b"{}"
    assert opened.pack(tmp_path / "again.hgb").read_bytes() == packed.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.hgb", "bundle", "fraud.hgb", "out"]


def test_packing_replaces_an_older_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "fraud.hgb").write_bytes(b"old")
    open_bundle(open_bundle(folder).pack(tmp_path / "fraud.hgb"), tmp_path / "out")


def test_an_archive_without_a_place_is_gone_with_the_process(folder: Path, tmp_path: Path) -> None:
    packed = open_bundle(folder).pack(tmp_path / "fraud.hgb")
    code = (
        "import os, sys; from pathlib import Path; from headgate.bundle.bundle import open_bundle\n"
        "b = open_bundle(Path(sys.argv[1])); print(b.folder)\n"
        "pid = os.fork()\n"
        "if pid == 0: sys.exit()\n"
        "os.waitpid(pid, 0); assert (b.folder / 'model.bin').exists()"
    )
    done = subprocess.run([sys.executable, "-c", code, packed], capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert not Path(done.stdout.split()[0]).parent.exists()


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing at"):
        open_bundle(tmp_path / "nothing")
    with pytest.raises(NotFound, match="holds no manifest"):
        open_bundle(tmp_path)


def test_a_place_that_is_taken(folder: Path, tmp_path: Path) -> None:
    packed = open_bundle(folder).pack(tmp_path / "fraud.hgb")
    with pytest.raises(Conflict):
        open_bundle(packed, folder)
    open_bundle(folder)


def change_a_byte(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"\x01model")


def change_the_size(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"\x00model ")


def remove(folder: Path) -> None:
    (folder / "model.bin").unlink()


def add(folder: Path) -> None:
    (folder / "deep" / "more").write_bytes(b"")


def link(folder: Path) -> None:
    (folder / "model.bin").rename(folder.parent / "elsewhere")
    (folder / "model.bin").symlink_to(folder.parent / "elsewhere")


def pipe(folder: Path) -> None:
    (folder / "model.bin").unlink()
    os.mkfifo(folder / "model.bin")


def make_a_folder_of_it(folder: Path) -> None:
    (folder / "model.bin").unlink()
    (folder / "model.bin").mkdir()


@pytest.mark.parametrize(
    "damage", [change_a_byte, change_the_size, remove, add, link, pipe, make_a_folder_of_it], ids=lambda f: f.__name__
)
def test_damage_is_named(folder: Path, damage: object) -> None:
    assert callable(damage)
    damage(folder)
    manifest, _ = read_manifest(folder)
    with pytest.raises(Corrupt, match=r"more" if damage is add else r"model\.bin"):
        verify_files(folder, manifest)
    with pytest.raises(Corrupt):
        open_bundle(folder)
    if damage is not add:
        with pytest.raises(Corrupt, match=r"model\.bin"):
            verified_bytes(folder, manifest, "model.bin")


def test_bytes_are_those_of_the_manifest(folder: Path) -> None:
    manifest, _ = read_manifest(folder)
    assert verified_bytes(folder, manifest, "deep/er.txt") == b"text"
    with pytest.raises(Corrupt, match="names no file"):
        verified_bytes(folder, manifest, "manifest.json")


@pytest.mark.parametrize(
    "name", ["../canary", "/etc/passwd", "a/../../b", "manifest.json", "manifest.sig", ".hidden", "a\nb", "", "a//b"]
)
def test_a_manifest_cannot_name_files_elsewhere(name: str) -> None:
    entry = FileEntry(sha256="0" * 64, size=0)
    with pytest.raises(Malformed, match="cannot hold"):
        decode_manifest(canonical_bytes(msgspec.structs.replace(manifest_of({}), files={name: entry})))


def test_a_manifest_has_one_spelling() -> None:
    data = canonical_bytes(manifest_of(FILES))
    assert decode_manifest(data) == manifest_of(FILES)
    again = json.dumps(json.loads(data), indent=1).encode()
    twice = data.replace(b'{"', b'{"name":"other","', 1)
    for other in (again, twice, data + b"\n", b" " + data):
        with pytest.raises(Malformed):
            decode_manifest(other)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format":1}', b"null"])
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(Malformed, match=r"manifest\.json"):
        decode_manifest(data)


def test_a_manifest_serves_a_form_that_it_has() -> None:
    with pytest.raises(Malformed, match="none of its forms"):
        decode_manifest(canonical_bytes(manifest_of(FILES, serves="onnx")))


def test_an_archive_of_something_else_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    add(folder)
    packed = Bundle(folder, manifest_of(FILES), "").pack(tmp_path / "fraud.hgb")
    with pytest.raises(BadArchive, match=r"whole bundle: deep/more is not named"):
        open_bundle(packed, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "fraud.hgb"]


@settings(max_examples=80, deadline=None)
@given(data=some.data())
def test_any_archive_gives_a_bundle_or_an_error_and_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: some.DataObject
) -> None:
    place = tmp_path_factory.mktemp("any")
    content = bytearray(open_bundle(write(place / "in")).pack(place / "good").read_bytes())
    for _ in range(data.draw(some.integers(0, 3))):
        content[data.draw(some.integers(0, len(content) - 1))] ^= data.draw(some.integers(1, 255))
    (place / "bad").write_bytes(content[: data.draw(some.sampled_from([len(content), 5000, 700, 100]))])
    try:
        bundle = open_bundle(place / "bad", place / "out")
    except (BadArchive, TooLarge) as error:
        assert isinstance(error, HeadgateError)
        assert sorted(path.name for path in place.iterdir()) == ["bad", "good", "in"]
    else:
        assert bundle.digest == open_bundle(place / "in").digest


def test_reading_stops_at_the_named_size(folder: Path) -> None:
    manifest, _ = read_manifest(folder)
    with (folder / "model.bin").open("ab") as file:
        file.truncate(1 << 33)
    with pytest.raises(Corrupt):
        verified_bytes(folder, manifest, "model.bin")


def test_threads_that_read_their_first_manifest_at_once_end_no_process(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(canonical_bytes(manifest_of(FILES)))
    command = [sys.executable, "-m", "tests.bundle.read_at_once", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "0\n", f"{done.stdout.strip()} processes were ended; {done.stderr[-1000:]}"


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_format_of_another_time_is_refused(number: int) -> None:
    with pytest.raises(Malformed, match=f"has format {number}, and this version of Headgate reads 1: "):
        decode_manifest(canonical_bytes(manifest_of(FILES, format=number)))
    # whatever else such a manifest holds or lacks
    with pytest.raises(Malformed, match=f"has format {number}, and"):
        decode_manifest(canonical_bytes({"format": number, "models": []}))


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "manifest.json", "", "model", "deep/", "deep/er"])
def test_a_form_is_one_of_the_files(path: str) -> None:
    forms = {"native": Form(runtime="python", path=path)}
    with pytest.raises(Malformed, match=r"none of its files: deep/er\.txt, empty, model\.bin"):
        decode_manifest(canonical_bytes(manifest_of(FILES, forms=forms)))


def test_a_form_may_be_a_folder_or_absent_for_a_reason() -> None:
    forms = {
        "native": Form(runtime="python", path="deep"),
        "onnx": Form(runtime="onnx", path="", refused="labels differ"),
    }
    assert decode_manifest(canonical_bytes(manifest_of(FILES, forms=forms))).forms == forms


def test_onnx_is_no_pickle() -> None:
    files = {"model.joblib": b"pickle"}
    forms = {"native": Form(runtime="onnx", path="model.joblib")}
    with pytest.raises(Malformed, match=r"expected a file that ends in \.onnx"):
        decode_manifest(canonical_bytes(manifest_of(files, forms=forms)))
