"""A packaged model on disk: the folder, its manifest and its identity."""

import atexit
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from headgate.bundle.archive import DEFAULT_LIMITS, Limits, files_below, is_member_name, pack_folder, unpack
from headgate.bundle.manifest import FORMATS, MANIFEST, SIGNATURE, Form, Manifest, canonical_bytes
from headgate.errors import BadArchive, Corrupt, HeadgateError, Malformed, NotFound

ARCHIVE_SUFFIX = ".hgb"
ONNX_SUFFIX = ".onnx"


class _Written(msgspec.Struct):
    """As much of a manifest as every format has."""

    format: int = 1


_manifests, _written = msgspec.json.Decoder(Manifest), msgspec.json.Decoder(_Written)


@dataclass(frozen=True, slots=True)
class Bundle:
    """An unpacked bundle whose files are the ones that its manifest names."""

    folder: Path
    manifest: Manifest
    digest: str  # sha256 of the bytes of manifest.json, in hex

    def pack(self, path: Path) -> Path:
        """Write the bundle as one `.hgb` file, replacing one that is there; the same files give the same bytes."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        try:
            with draft.open("xb") as target:
                pack_folder(self.folder, target)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return path


def open_bundle(path: Path, into: Path | None = None, limits: Limits = DEFAULT_LIMITS) -> Bundle:
    """The bundle in a folder or `.hgb` file, every file's digest verified.

    An archive is unpacked to the folder `into`, which must not exist; without it to one that is removed when this
    process ends. Raises `NotFound`, `BadArchive`, `TooLarge`, `Malformed` or `Corrupt`.
    """
    if path.is_dir():
        return _verified(path)
    if not path.is_file():
        raise NotFound(f"Expected a bundle folder or {ARCHIVE_SUFFIX} file, found nothing at {path}.")
    folder = into or _passing_folder()
    with path.open("rb") as source:
        unpack(source, folder, limits, check=_check_unpacked)
    return _verified(folder)


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of an unpacked bundle and its digest; its files are not looked at.

    Raises `NotFound` or `Malformed`.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(
            f"{folder} is not a bundle: it holds no {MANIFEST}. Make one with `headgate package`."
        ) from error
    return decode_manifest(data), hashlib.sha256(data).hexdigest()


def decode_manifest(data: bytes) -> Manifest:
    """The manifest in these bytes; raises `Malformed` with the place and what was expected there."""
    try:
        # first: one of another format may lack what this one has
        _check_format(_written.decode(data))
        manifest = _manifests.decode(data)
        # one manifest has one digest: no second spelling, no key twice
        canonical = canonical_bytes(json.loads(data)) == data
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"{MANIFEST} is not a manifest of this format: {error}.") from error
    if not canonical:
        raise Malformed(f"{MANIFEST} is not canonical JSON: it was changed after it was written. Package again.")
    if manifest.serves not in manifest.forms:
        raise Malformed(f"{MANIFEST} serves {manifest.serves!r}, which is none of its forms: {sorted(manifest.forms)}.")
    for name in manifest.files:
        if not is_member_name(name) or name in (MANIFEST, SIGNATURE):
            raise Malformed(f"{MANIFEST} names a file {name!r}, which a bundle cannot hold.")
    for key, form in manifest.forms.items():
        _check_form(key, form, manifest)
    return manifest


def _check_format(written: _Written) -> None:
    if written.format not in FORMATS:
        raise Malformed(
            f"{MANIFEST} has format {written.format}, and this version of Headgate reads "
            f"{' and '.join(map(str, FORMATS))}: package the model again with this version"
            f"{', or upgrade Headgate' if written.format > max(FORMATS) else ''}."
        )


def _check_form(key: str, form: Form, manifest: Manifest) -> None:
    """A form is a file of the bundle, or a folder of such; one without says why it cannot be served."""
    if not form.path and form.refused:
        return
    if form.path not in manifest.files and not any(name.startswith(f"{form.path}/") for name in manifest.files):
        raise Malformed(
            f"{MANIFEST} has a form {key!r} at {form.path!r}, which is none of its files: "
            f"{', '.join(sorted(manifest.files)[:10]) or 'it names none'}. Package the model again."
        )
    if form.runtime == "onnx" and not form.path.endswith(ONNX_SUFFIX):
        raise Malformed(
            f"{MANIFEST} has a form {key!r} for the runtime onnx at {form.path!r}: expected a file that ends in "
            f"{ONNX_SUFFIX}. Package the model again."
        )


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Every file is there with its size and digest, and no other file but the signature; raises `Corrupt` naming it."""
    try:
        found = dict(files_below(folder))
    except Malformed as error:
        raise Corrupt(error.message) from error
    for name in sorted(found.keys() ^ (manifest.files.keys() | {MANIFEST})):
        if name != SIGNATURE:
            raise Corrupt(f"{folder / name} is {'not named in the manifest' if name in found else 'missing'}.")
    for name, entry in manifest.files.items():
        size = found[name].stat().st_size
        if size != entry.size or _digest_of_file(found[name]) != entry.sha256:
            raise Corrupt(f"{found[name]} is not what was packaged: size or sha256 differ. Fetch the bundle again.")


def verified_bytes(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of one file, digest checked on what is returned; raises `Corrupt`.

    Loaders read through this, so that nothing can change between the check and the use.
    """
    entry = manifest.files.get(name)
    if entry is None:
        raise Corrupt(f"The manifest in {folder} names no file {name!r}.")
    try:
        with open(folder / name, "rb", opener=_open_in_place) as file:
            data = file.read(entry.size + 1)
    except OSError as error:
        raise Corrupt(f"{folder / name} cannot be read: {error.strerror}.") from error
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Corrupt(f"{folder / name} is not what was packaged: size or sha256 differ. Fetch the bundle again.")
    return data


def _open_in_place(path: str, flags: int) -> int:
    """No link is followed, and a fifo in the file's place keeps nobody waiting."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _verified(folder: Path) -> Bundle:
    manifest, digest = read_manifest(folder)
    verify_files(folder, manifest)
    return Bundle(folder, manifest, digest)


def _check_unpacked(staging: Path) -> None:
    """What came as an archive is a bad archive when it is no bundle."""
    try:
        _verified(staging)
    except HeadgateError as error:
        # the staging folder is gone when this is read
        raise BadArchive(f"The archive is not a whole bundle: {error.message.replace(f'{staging}/', '')}") from error


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _passing_folder() -> Path:
    parent = Path(tempfile.mkdtemp(prefix="headgate-"))
    owner = os.getpid()

    def remove() -> None:
        # a forked child that ends must not take its parent's files away
        if os.getpid() == owner:
            shutil.rmtree(parent, ignore_errors=True)

    atexit.register(remove)
    return parent / "bundle"
