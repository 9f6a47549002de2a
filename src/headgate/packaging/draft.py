"""A bundle that is being made: its folder, and its manifest as far as it is known."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from headgate.bundle.bundle import ARCHIVE_SUFFIX, Bundle, open_bundle, read_manifest
from headgate.bundle.manifest import MANIFEST, SIGNATURE, FileEntry, Form, Manifest, canonical_bytes, digest_of
from headgate.bundle.signing import load_or_create_key, sign_folder, user_key_path
from headgate.errors import Conflict, Malformed, NotFound
from headgate.home import writing
from headgate.packaging.frameworks.framework import Recognised

DRAFT = ".draft-"  # how the folder of a draft begins, beside what it becomes


@dataclass(frozen=True)
class Draft:
    """The folder under way, what was recognised in it, and the manifest so far."""

    folder: Path
    recognised: Recognised
    manifest: Manifest

    def with_fields(self, **fields: Any) -> "Draft":
        """The same with some of the manifest's fields replaced."""
        return replace(self, manifest=msgspec.structs.replace(self.manifest, **fields))

    def with_form(self, name: str, form: Form) -> "Draft":
        """The same with one more form, and its file named."""
        named = {**self.manifest.files}
        if form.path and (self.folder / form.path).is_file():
            named[form.path] = file_entry(self.folder / form.path)
        return self.with_fields(forms={**self.manifest.forms, name: form}, files=named)

    def with_options(self, name: str, options: dict[str, str]) -> "Draft":
        """The same with more options of a form."""
        form = self.manifest.forms[name]
        return self.with_form(name, msgspec.structs.replace(form, options={**form.options, **options}))

    def with_file(self, name: str, content: bytes) -> "Draft":
        """The same with one more file, written and named."""
        (self.folder / name).write_bytes(content)
        return self.with_fields(files={**self.manifest.files, name: file_entry(self.folder / name)})


def file_entry(path: Path) -> FileEntry:
    """Digest and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(sha256=digest, size=path.stat().st_size)


def file_entries(folder: Path) -> dict[str, FileEntry]:
    """Every file in the folder, by its path in it."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_entry(path) for path in found}


@contextmanager
def drafting(output: Path | None) -> Iterator[Path]:
    """A folder for a draft of that folder or file, or of one here; gone at the end unless it was published."""
    parent = output.absolute().parent if output else Path.cwd()
    with writing(output or parent, DRAFT), _draft_in(parent) as folder:
        yield folder


@contextmanager
def _draft_in(parent: Path) -> Iterator[Path]:
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise Malformed(f"Expected a folder for the bundle, found a file at {parent}.") from error
    folder = parent / f"{DRAFT}{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seal(draft: Draft) -> Bundle:
    """Write the manifest and sign it with the user's own key, made on first use."""
    (draft.folder / MANIFEST).write_bytes(canonical_bytes(draft.manifest))
    sign_folder(draft.folder, load_or_create_key(user_key_path(os.environ)))
    for path in draft.folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Bundle(draft.folder, draft.manifest, digest_of(draft.manifest))


def deliver(bundle: Bundle, goal: Path | None) -> Bundle:
    """Where it was asked for, as a folder or one file."""
    if goal is not None and goal.suffix == ARCHIVE_SUFFIX:
        return open_bundle(bundle.pack(goal))
    return publish(bundle, goal or Path.cwd() / f"{bundle.manifest.name}-{bundle.digest[:12]}")


def publish(bundle: Bundle, target: Path) -> Bundle:
    """Move the sealed draft to where it is asked for, in one rename; an older bundle there makes way.

    Raises `Conflict` for a folder that holds something else.
    """
    if target.exists():
        empty = target.is_dir() and not any(target.iterdir())
        if not empty and not _is_bundle(target):
            raise Conflict(f"{target} is there and is no bundle: name another output, or remove it first.")
        _make_way(target)
    bundle.folder.rename(target)
    target.chmod(0o755)
    return Bundle(target, bundle.manifest, bundle.digest)


def _is_bundle(folder: Path) -> bool:
    try:
        manifest, _ = read_manifest(folder)
    except (Malformed, NotFound, OSError):
        return False
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return found <= {*manifest.files, MANIFEST, SIGNATURE}


def _make_way(target: Path) -> None:
    aside = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    target.rename(aside)
    shutil.rmtree(aside)
