"""Artifacts in a folder, each under its sha256: written beside, synced, renamed; verified while read."""

import errno
import fcntl
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from headgate.errors import Corrupt, NotFound, Unusable
from headgate.home import needing_room, sync_folder
from headgate.storage.stores import KeptArtifact, StoredArtifact, check_digest, is_digest
from headgate.storage.verifying import Buffer, VerifyingReader

CHUNK = 1024 * 1024


def open_folder_store(location: str) -> "FolderStore":
    """The store in this folder, without what earlier processes left half written. Raises `Unusable`."""
    try:
        store = FolderStore(Path(location))
        store.clean()
    except OSError as error:
        raise Unusable(
            f"Expected to keep artifacts in the folder {location}, could not: {error.strerror}. Make it usable, or "
            "name another with the setting artifacts (--artifacts)."
        ) from error
    return store


class FolderStore:
    """Objects at `objects/ab/ab12…`, drafts in `staging/`. Safe for any number of threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.location = str(folder)
        self._objects = folder / "objects"
        self._staging = folder / "staging"
        for path in (folder, self._objects, self._staging):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, stream: BinaryIO) -> StoredArtifact:
        """See `ArtifactStore.put`."""
        draft = self._staging / secrets.token_hex(16)
        try:
            with needing_room("the artifact", self._objects):
                stored = _write_draft(draft, stream)
                target = self._path(stored.digest)
                target.parent.mkdir(mode=0o700, exist_ok=True)
                # also over an object that is there: the same bytes, or the sound ones in place of damaged ones
                draft.replace(target)
                sync_folder(target.parent)
                sync_folder(self._objects)
        finally:
            draft.unlink(missing_ok=True)
        return stored

    def open(self, digest: str) -> BinaryIO:
        """See `ArtifactStore.open`."""
        path = self._path(check_digest(digest))
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise NotFound(f"There is no artifact {digest}. Register the bundle again.") from error
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Corrupt(f"{path} is a link, not an artifact. Remove it and register the bundle again.") from error
            raise
        try:
            _refuse_planted(path, os.fstat(descriptor))
            reader = VerifyingReader(partial(_fill, descriptor), partial(os.close, descriptor), digest, "on disk")
            return cast("BinaryIO", reader)
        except BaseException:
            os.close(descriptor)
            raise

    def contains(self, digest: str) -> bool:
        """See `ArtifactStore.contains`."""
        try:
            found = self._path(check_digest(digest)).lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode)

    def delete(self, digest: str) -> None:
        """See `ArtifactStore.delete`."""
        path = self._path(check_digest(digest))
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)

    def kept(self) -> Iterator[KeptArtifact]:
        """See `ArtifactStore.kept`."""
        for path in self._objects.glob("??/*"):
            if not is_digest(path.name):
                continue
            try:
                found = path.lstat()
            except FileNotFoundError:
                # removed meanwhile
                continue
            if stat.S_ISREG(found.st_mode):
                moment = datetime.fromtimestamp(found.st_mtime, UTC)
                yield KeptArtifact(digest=path.name, size=found.st_size, modified=moment)

    def clean(self) -> None:
        """Remove drafts whose writer is gone; one that is being written is locked by its writer."""
        for draft in self._staging.iterdir():
            try:
                descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink(missing_ok=True)
            except BlockingIOError:
                continue
            finally:
                os.close(descriptor)

    def _path(self, digest: str) -> Path:
        return self._objects / digest[:2] / digest


def _write_draft(draft: Path, stream: BinaryIO) -> StoredArtifact:
    digest, size = hashlib.sha256(), 0
    with _open_draft(draft) as file:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            write_whole(file, chunk)
            size += len(chunk)
        os.fsync(file.fileno())
    return StoredArtifact(digest=digest.hexdigest(), size=size)


def _open_draft(draft: Path) -> io.FileIO:
    """A new file, locked against `clean`, which may have been faster than the lock: then it is made anew."""
    while True:
        file = io.FileIO(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def write_whole(file: io.FileIO, chunk: bytes) -> None:
    """Write all of it: a raw file may take less, as it does on the last block of a full disk."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def _fill(descriptor: int, buffer: Buffer) -> int:
    return os.readv(descriptor, [buffer])


def _refuse_planted(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise Corrupt(f"{path} is not a plain file with one name. Remove it and register the bundle again.")
