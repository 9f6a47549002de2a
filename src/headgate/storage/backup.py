"""One consistent copy of an instance as a tar: database, keys, credentials, settings and artifacts.

    backup.json       what it is a backup of
    headgate.db       the database as of one moment, whatever is written meanwhile; a SQLite file, of PostgreSQL too
    keys/…  credentials  headgate.toml
    artifacts/{sha256}   every artifact that the database refers to
    checksums.json    sha256 of every member before; a tar without it is not whole

The keys are read before the database: the ledger's anchor may be behind the history, never ahead of it.
"""

import hashlib
import os
import secrets
import sqlite3
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from headgate import __version__
from headgate.errors import Corrupt, NotFound, Refused
from headgate.home import Home, sync_folder
from headgate.records import PlaneRecord
from headgate.storage.copying import copy_into_file
from headgate.storage.database import Database, now
from headgate.storage.instance import ID, read_epoch, read_value
from headgate.storage.stores import ArtifactStore

INFO, DATABASE, CHECKSUMS, CREDENTIALS, SETTINGS = (
    "backup.json",
    "headgate.db",
    "checksums.json",
    "credentials",
    "headgate.toml",
)
_CHUNK = 1024 * 1024


class BackupInfo(PlaneRecord, frozen=True, kw_only=True):
    """What a backup is of."""

    instance: str
    epoch: int
    release: str
    created_at: str
    # whether database or artifacts lay outside of the home
    elsewhere: bool = False


def stream_backup(database: Database, store: ArtifactStore, home: Home) -> Iterator[bytes]:
    """The tar in chunks, for a file (see `save_backup`) or a response; it holds secrets: keep it at 0600.

    Everything that can be refused is refused before the first chunk: `NotFound` when an artifact is missing. One that
    turns out damaged while it is read raises `Corrupt` and leaves a tar that nobody can restore.
    """
    small = _small_files(home)
    with database.read() as tx:
        info = BackupInfo(
            instance=read_value(tx, ID) or "",
            epoch=read_epoch(tx),
            release=__version__,
            created_at=now(tx),
            elsewhere=not database.is_sqlite or store.location != str(home.artifacts),
        )
    copy, artifacts = _copy_database(database, home)
    try:
        for digest, _ in artifacts:
            if not store.contains(digest):
                raise NotFound(f"The artifact {digest} is missing from the store. Register its bundle again.")
    except BaseException:
        copy.close()
        raise
    chunks = _stream({INFO: msgspec.json.encode(info), **small}, copy, artifacts, store)
    # begun already, so that dropping it unread closes the copy
    return chain([next(chunks)], chunks)


def save_backup(chunks: Iterable[bytes], path: Path) -> None:
    """Write a backup to a new file, 0600, visible only when it is whole. Raises `Refused` when the file exists."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError as error:
            raise Refused(f"{path} exists already. Choose another file.") from error
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _small_files(home: Home) -> dict[str, bytes]:
    # what begins with a dot is being written (see `write_atomically`)
    keys = sorted(path for path in home.keys.iterdir() if not path.name.startswith(".") and path.is_file())
    found = {f"keys/{path.name}": path.read_bytes() for path in keys}
    for name, path in ((CREDENTIALS, home.credentials), (SETTINGS, home.path / SETTINGS)):
        if path.is_file():
            found[name] = path.read_bytes()
    return found


def _copy_database(source: Database, home: Home) -> tuple[BinaryIO, list[tuple[str, int]]]:
    """An open copy that has no name any more, and the artifacts that it refers to, with their sizes."""
    home.run.mkdir(mode=0o700, exist_ok=True)
    draft = home.run / f"backup-{secrets.token_hex(6)}.db"
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        copy_into_file(source, draft)
        return draft.open("rb"), _artifacts_of(draft)
    finally:
        for left in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm"), Path(f"{draft}-journal")):
            left.unlink(missing_ok=True)


def _artifacts_of(copy: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(copy)) as opened:
        return list(opened.execute("SELECT artifact, max(size) FROM versions GROUP BY artifact ORDER BY artifact"))


def _stream(
    small: dict[str, bytes], copy: BinaryIO, artifacts: list[tuple[str, int]], store: ArtifactStore
) -> Iterator[bytes]:
    checksums: dict[str, str] = {}
    with copy:
        for name, content in small.items():
            yield from _member(name, len(content), [content], checksums)
        yield from _member(DATABASE, os.fstat(copy.fileno()).st_size, _chunks(copy), checksums)
        for digest, size in artifacts:
            # the reading verifies the digest too
            with store.open(digest) as stream:
                yield from _member(f"artifacts/{digest}", size, _chunks(stream), checksums)
    content = msgspec.json.encode(checksums, order="sorted")
    yield from _member(CHECKSUMS, len(content), [content], {})
    yield bytes(2 * tarfile.BLOCKSIZE)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _member(name: str, size: int, chunks: Iterable[bytes], checksums: dict[str, str]) -> Iterator[bytes]:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    yield header.tobuf(tarfile.GNU_FORMAT)
    seen, digest = 0, hashlib.sha256()
    for chunk in chunks:
        seen += len(chunk)
        digest.update(chunk)
        yield chunk
    if seen != size:
        raise Corrupt(f"{name} changed its size while it was copied: expected {size} bytes, got {seen}.")
    checksums[name] = digest.hexdigest()
    yield bytes(-size % tarfile.BLOCKSIZE)
