"""Artifacts in object storage: S3 and what speaks like it, Google's, Azure's; verified while read.

Credentials come from the environment, as other clients of these stores find them (`AWS_ACCESS_KEY_ID`, …, or the
machine's role); `AWS_ENDPOINT_URL` names another server than Amazon's. A URL that holds any is refused.

An object is written under the digest of bytes that were hashed before: small ones in one request that does nothing
when the object is there, large ones in parts that become visible at once, with the last request. What a killed upload
leaves is invisible; a lifecycle rule of the bucket (abort incomplete multipart uploads) removes it.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import TYPE_CHECKING, BinaryIO, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError

from headgate.errors import Conflict, Corrupt, HeadgateError, NotFound, Unavailable, Unusable
from headgate.home import needing_room
from headgate.storage.bucket import RETRY_FOR, WAIT_FOR_BYTES, open_bucket, what_it_said
from headgate.storage.stores import KeptArtifact, StoredArtifact, check_digest, is_digest
from headgate.storage.verifying import Buffer, VerifyingReader

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore as Backend

OBJECTS = "objects"
# also the size of a part: S3 takes at most 10,000 of them
CHUNK = 8 * 1024 * 1024
PARTS_AT_ONCE = 4
# calls and readings at once: a store that hangs must not take every thread of the control plane
CALLS = 16
DENIED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "HTTP 401", "HTTP 403"})


def open_object_store(
    location: str, retry_for: timedelta = RETRY_FOR, patience: timedelta = WAIT_FOR_BYTES
) -> "ObjectStore":
    """The store at `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`; nothing is asked yet.

    Raises `Malformed` for a URL that names no bucket or holds credentials or settings.
    """
    return ObjectStore(open_bucket(location, retry_for, patience), location)


class ObjectStore:
    """Objects at `objects/ab/ab12…` below the URL's prefix. Safe for any number of threads and processes."""

    def __init__(self, store: "Backend", location: str) -> None:
        self.location = location
        self._store = store
        self._calls = threading.BoundedSemaphore(CALLS)

    def put(self, stream: BinaryIO) -> StoredArtifact:
        """See `ArtifactStore.put`."""
        if stream.seekable():
            return self._put_file(stream)
        # it has no name: whatever ends this process ends the file
        with needing_room("the artifact", Path(gettempdir())), TemporaryFile() as file:
            while chunk := stream.read(CHUNK):
                file.write(chunk)
            file.seek(0)
            return self._put_file(cast("BinaryIO", file))

    def open(self, digest: str) -> BinaryIO:
        """See `ArtifactStore.open`."""
        path = _path(check_digest(digest))
        self._begin_call()
        try:
            with self._translated(digest):
                found = obstore.get(self._store, path)
                chunks = iter(found.stream(min_chunk_size=1024 * 1024))
            source = _Chunks(chunks, partial(self._translated, digest))
            reader = VerifyingReader(source.fill, self._calls.release, digest, f"in {self.location}")
        except BaseException:
            self._calls.release()
            raise
        return cast("BinaryIO", reader)

    def contains(self, digest: str) -> bool:
        """See `ArtifactStore.contains`."""
        path = _path(check_digest(digest))
        try:
            with self._call(digest):
                obstore.head(self._store, path)
        except NotFound:
            return False
        return True

    def delete(self, digest: str) -> None:
        """See `ArtifactStore.delete`."""
        path = _path(check_digest(digest))
        # S3 says nothing when it is not there, others do
        with suppress(NotFound), self._call(digest):
            obstore.delete(self._store, path)

    def kept(self) -> Iterator[KeptArtifact]:
        """See `ArtifactStore.kept`."""
        with self._call():
            pages = iter(obstore.list(self._store, OBJECTS, chunk_size=1000))
        while True:
            with self._call():
                page = next(pages, None)
            if page is None:
                return
            for found in page:
                digest = found["path"].rpartition("/")[2]
                if is_digest(digest):
                    yield KeptArtifact(digest=digest, size=found["size"], modified=found["last_modified"])

    def _put_file(self, file: BinaryIO) -> StoredArtifact:
        start, digest, size = file.tell(), hashlib.sha256(), 0
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
        stored = StoredArtifact(digest=digest.hexdigest(), size=size)
        if size > CHUNK:
            if not self._is_sound(stored.digest):
                self._write(stored.digest, _same_bytes(file, start, stored.digest))
            return stored
        file.seek(start)
        content = file.read()
        try:
            self._write(stored.digest, content, "create")
        except Conflict:
            # the same bytes, or the sound ones in place of damaged ones
            if not self._is_sound(stored.digest):
                self._write(stored.digest, content)
        return stored

    def _write(self, digest: str, content: bytes | Iterator[bytes], mode: "PutMode" = "overwrite") -> None:
        with self._call(digest):
            obstore.put(self._store, _path(digest), content, mode=mode, chunk_size=CHUNK, max_concurrency=PARTS_AT_ONCE)

    def _is_sound(self, digest: str) -> bool:
        try:
            with self.open(digest) as stream:
                while stream.read(CHUNK):
                    pass
        except (NotFound, Corrupt):
            return False
        return True

    @contextmanager
    def _call(self, digest: str = "") -> Iterator[None]:
        self._begin_call()
        try:
            with self._translated(digest):
                yield
        finally:
            self._calls.release()

    def _begin_call(self) -> None:
        if not self._calls.acquire(blocking=False):
            raise Unavailable(f"{CALLS} calls of {self.location} are under way already. Try again.", retry_after=1.0)

    def _translated(self, digest: str) -> AbstractContextManager[None]:
        return _translated(self.location, digest)


class _Chunks:
    """What a store streams, poured into buffers of any size."""

    def __init__(self, chunks: Iterator[bytes], translated: Callable[[], AbstractContextManager[None]]) -> None:
        self._chunks = chunks
        self._translated = translated
        self._rest = memoryview(b"")

    def fill(self, buffer: Buffer) -> int:
        """The next bytes; 0 at the end."""
        while not self._rest:
            with self._translated():
                chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _path(digest: str) -> str:
    return f"{OBJECTS}/{digest[:2]}/{digest}"


def _same_bytes(file: BinaryIO, start: int, expected: str) -> Iterator[bytes]:
    """The file's bytes again; raises before the end, so that nothing becomes visible, when they have changed."""
    file.seek(start)
    seen = hashlib.sha256()
    while chunk := file.read(CHUNK):
        seen.update(chunk)
        yield chunk
    if seen.hexdigest() != expected:
        raise Corrupt("The artifact was changed while it was stored. Register the bundle again.")


@contextmanager
def _translated(location: str, digest: str = "") -> Iterator[None]:
    """The library's errors in our words, and without what they quote: some stores sign the URLs that they quote."""
    try:
        yield
    except HeadgateError:
        raise
    except AlreadyExistsError:
        raise Conflict(f"The artifact {digest} is there already.") from None
    except (FileNotFoundError, BaseError) as error:
        raise _translate(error, location, digest) from None


def _translate(error: Exception, location: str, digest: str) -> HeadgateError:
    said = what_it_said(error)
    if said == "NoSuchBucket" or (isinstance(error, FileNotFoundError) and not digest):
        return Unusable(f"There is no bucket at {location}. Make it, or correct the setting artifacts (--artifacts).")
    if isinstance(error, FileNotFoundError):
        return NotFound(f"There is no artifact {digest} in {location}. Register the bundle again.")
    # a listing that is denied is of no kind of its own
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or said in DENIED:
        return Unusable(
            f"{location} refuses the credentials of this environment ({said}). Give them the right to get, put, list "
            "and delete objects there."
        )
    return Unavailable(f"{location} could not be used: {said}. Try again.", retry_after=2.0)
