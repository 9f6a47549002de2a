"""Reading a stranger's folder or archive: names in it never lead out of it, and nothing in it is run."""

import shutil
import stat
import tarfile
from pathlib import Path
from typing import Any

import yaml

from headgate.errors import BadArchive, Malformed, NotFound, TooLarge
from headgate.names import shown

MEMBERS, BYTES = 10_000, 16 * 1024**3
TEXT_BYTES = 4 * 1024**2
ARCHIVES = (".tar.gz", ".tgz", ".tar")
BUCKETS = ("s3://", "gs://", "az://")  # how URLs of object storage begin


def inside(folder: Path, name: object) -> Path:
    """The file or folder of that name below the folder.

    Raises `Malformed` for a name that leads out of it or through a link, `NotFound` when nothing is there.
    """
    parts = Path(name).parts if isinstance(name, str) and "\0" not in name else ()
    if not parts or Path(*parts).is_absolute() or ".." in parts:
        raise Malformed(f"{folder} names the file {shown(str(name))}, which is not a place inside of it.")
    path = folder
    for part in parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise NotFound(
                f"{folder} names the file {shown(str(name))}, which is not there. Copy the whole folder."
            ) from error
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise Malformed(f"Expected a plain file or folder at {path}, got {stat.filemode(mode)}.")
    return path


def read_text(path: Path) -> str:
    """A small text file; raises `TooLarge` or `Malformed`."""
    if path.stat().st_size > TEXT_BYTES:
        raise TooLarge(f"Expected a description of at most {TEXT_BYTES} bytes at {path}, got {path.stat().st_size}.")
    try:
        return path.read_text()
    except UnicodeDecodeError as error:
        raise Malformed(f"Expected text in {path}: {error}.") from error


def read_yaml(path: Path) -> dict[str, Any]:
    """A mapping in YAML; raises `Malformed`."""
    try:
        content = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise Malformed(f"{path} is no YAML: {error}.") from error
    if not isinstance(content, dict):
        raise Malformed(f"Expected a mapping in {path}, got a {type(content).__name__}.")
    return content


def with_suffix(file: Path, suffix: str, scratch: Path) -> Path:
    """The file under a name that ends so, by which its form is known here: itself, or a copy in `scratch`."""
    if file.suffix == suffix or file.is_dir():
        return file
    named = scratch / f"model{suffix}"
    shutil.copyfile(file, named)
    return named


def is_archive(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith(ARCHIVES)


def unpack_tar(archive: Path, folder: Path) -> Path:
    """A tar's plain files and folders, below the folder; raises `BadArchive` or `TooLarge`."""
    room = BYTES
    try:
        with tarfile.open(archive) as tar:
            for count, member in enumerate(tar):
                room -= member.size
                if count >= MEMBERS or room < 0:
                    raise TooLarge(f"{archive} holds over {MEMBERS} files or {BYTES} bytes, at {shown(member.name)}.")
                if not (member.isreg() or member.isdir()):
                    raise BadArchive(f"{archive} holds {shown(member.name)}, which is neither a file nor a folder.")
                tar.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadArchive(f"{archive} cannot be unpacked: {error}.") from error
    return folder


def require_folder(path: Path, what: str) -> Path:
    """The folder itself; raises `NotFound`."""
    if not path.is_dir():
        raise NotFound(f"Expected {what} at {path}, which is no folder.")
    return path
