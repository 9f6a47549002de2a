"""A backup becomes an instance again: in a new home, checked before it is visible, in a new epoch."""

import hashlib
import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec
from sqlalchemy import select

from headgate.errors import BadArchive, Corrupt, Refused
from headgate.home import Home, sync_folder, write_atomically
from headgate.records import Record
from headgate.storage.artifacts import FolderStore
from headgate.storage.backup import CHECKSUMS, CREDENTIALS, DATABASE, INFO, SETTINGS, BackupInfo
from headgate.storage.copying import fill_empty, require_empty
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.migrating import migrate
from headgate.storage.schema import versions
from headgate.storage.stores import open_store_at

# everything a backup may hold; the last part of a key's name is no path
_MEMBER = re.compile(
    rf"{re.escape(INFO)}|{re.escape(DATABASE)}|{re.escape(SETTINGS)}|{CREDENTIALS}"
    r"|keys/(?P<key>[A-Za-z0-9][A-Za-z0-9._-]{0,100})|artifacts/(?P<artifact>[0-9a-f]{64})",
    re.ASCII,
)
_OF_PLACES = re.compile(r"\s*(database|artifacts)\s*=")
_CHUNK = 1024 * 1024
_CHECKSUMS_LIMIT = 256 * 1024 * 1024
_checksums = msgspec.json.Decoder(dict[str, str])
_infos = msgspec.json.Decoder(BackupInfo)


class Places(Record, frozen=True, kw_only=True):
    """Where a restored instance keeps its state, as its settings name it; empty: in its home."""

    database: str = ""
    artifacts: str = ""


def restore(
    source: BinaryIO, home: Home, finish: Callable[[Database, Home], None], places: Places | None = None
) -> BackupInfo:
    """Make the instance of a backup in `home`, which must not exist yet or be empty.

    `finish` is given the restored database before anybody can see it. Raises `Refused` when the home is in use or the
    database of `places` is not empty, `BadArchive` when the tar is not a whole backup, `Corrupt` when its contents are
    not what was backed up; then nothing is left of it, but for artifacts in a store elsewhere.
    """
    places = places or Places()
    if home.path.exists() and (not home.path.is_dir() or any(home.path.iterdir())):
        raise Refused(f"{home.path} is in use. Restore into a new folder: headgate restore FILE --home DIR.")
    if places.database:
        require_empty(places.database)
    home.path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(home.path) as staged:
        info = _receive(source, staged)
        database = open_database(sqlite_url(staged.database))
        try:
            migrate(database)
            _check_artifacts(database, FolderStore(staged.artifacts))
            finish(database, staged)
            _move_out(database, staged, places)
        finally:
            database.close()
        if places.database:
            _remove_file(staged.database)
        if info.elsewhere or places != Places():
            _name_places(staged.path / SETTINGS, places)
        staged.path.rename(home.path)
    sync_folder(home.path.parent)
    return info


def _move_out(database: Database, staged: Home, places: Places) -> None:
    """Bring what belongs elsewhere to its place: artifacts first, so that the database never names what is missing."""
    if places.artifacts:
        held, store = FolderStore(staged.artifacts), open_store_at(places.artifacts, staged.artifacts)
        for kept in list(held.kept()):
            with held.open(kept.digest) as stream:
                store.put(stream)
            held.delete(kept.digest)
    if places.database:
        fill_empty(database, places.database)


def _remove_file(database: Path) -> None:
    for path in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
        path.unlink(missing_ok=True)


def _name_places(settings: Path, places: Places) -> None:
    """Have the copy's settings name its own database and store: the original's would have it write there."""
    lines = settings.read_text().splitlines() if settings.exists() else []
    kept = [line for line in lines if not _OF_PLACES.match(line)]
    named = [f"{name} = {json.dumps(place)}" for name, place in msgspec.structs.asdict(places).items()]
    write_atomically(settings, "\n".join([*named, *kept, ""]).encode())


@contextmanager
def _staging(target: Path) -> Iterator[Home]:
    folder = target.with_name(f".{target.name}.restoring-{secrets.token_hex(6)}")
    folder.mkdir(mode=0o700)
    try:
        yield Home(folder).create()
    finally:
        # gone already when it became the home
        shutil.rmtree(folder, ignore_errors=True)


def _receive(source: BinaryIO, staged: Home) -> BackupInfo:
    checksums: dict[str, str] = {}
    declared: dict[str, str] | None = None
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                content = _content(archive, member, checksums, declared)
                if member.name == CHECKSUMS:
                    declared = _read_checksums(content, member.size)
                else:
                    checksums[member.name] = _place(staged, member.name, content)
    except (tarfile.TarError, EOFError, msgspec.MsgspecError) as error:
        raise BadArchive(f"The backup cannot be read: {error}. Use another copy of it.") from error
    if declared is None or not {INFO, DATABASE} <= declared.keys():
        raise BadArchive("The backup is not whole: it ends too early. Use another copy of it.")
    if wrong := sorted(name for name in declared | checksums if declared.get(name) != checksums.get(name)):
        raise Corrupt(f"The backup's {wrong[0]} is not what was backed up. Use another copy of it.")
    return _read_info(staged)


def _content(
    archive: tarfile.TarFile, member: tarfile.TarInfo, seen: dict[str, str], declared: dict[str, str] | None
) -> IO[bytes]:
    known = member.name == CHECKSUMS or _MEMBER.fullmatch(member.name)
    if not known or member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.name in seen or declared:
        raise BadArchive(f"The backup holds {ascii(member.name[:80])}, which a backup of Headgate never does there.")
    content = archive.extractfile(member)
    assert content is not None  # for regular files it never is
    return content


def _read_checksums(content: IO[bytes], size: int) -> dict[str, str]:
    if size > _CHECKSUMS_LIMIT:
        raise BadArchive(f"The backup's {CHECKSUMS} has {size} bytes: at most {_CHECKSUMS_LIMIT} are expected.")
    return _checksums.decode(content.read())


def _place(staged: Home, name: str, content: IO[bytes]) -> str:
    """Write one member where it belongs; returns its digest."""
    found = _MEMBER.fullmatch(name)
    assert found is not None
    if expected := found["artifact"]:
        stored = FolderStore(staged.artifacts).put(cast("BinaryIO", content))
        if stored.digest != expected:
            raise Corrupt(f"The backup's artifact {expected} is not what was backed up. Use another copy of it.")
        return stored.digest
    target = staged.keys / found["key"] if found["key"] else staged.path / name
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _read_info(staged: Home) -> BackupInfo:
    path = staged.path / INFO
    try:
        return _infos.decode(path.read_bytes())
    except msgspec.MsgspecError as error:
        raise BadArchive(f"The backup's {INFO} cannot be read: {error}. Use another copy of it.") from error
    finally:
        path.unlink()


def _check_artifacts(database: Database, store: FolderStore) -> None:
    with database.read() as tx:
        for digest in tx.execute(select(versions.c.artifact).distinct()).scalars():
            if not store.contains(digest):
                raise Corrupt(f"The backup lacks the artifact {digest}. Use another copy of it.")
