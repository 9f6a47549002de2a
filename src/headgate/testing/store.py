"""An artifact store in memory."""

import hashlib
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from headgate.errors import NotFound
from headgate.storage.stores import KeptArtifact, StoredArtifact, check_digest


class MemoryStore:
    """Keeps objects in a dict; passes the same conformance suite as the real stores."""

    location = "memory"

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._modified: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def put(self, stream: BinaryIO) -> StoredArtifact:
        """See `ArtifactStore.put`."""
        content = b"".join(iter(lambda: stream.read(1024 * 1024), b""))
        digest = hashlib.sha256(content).hexdigest()
        with self._lock:
            self._objects[digest] = content
            self._modified[digest] = datetime.now(UTC)
        return StoredArtifact(digest=digest, size=len(content))

    def open(self, digest: str) -> BinaryIO:
        """See `ArtifactStore.open`."""
        try:
            return io.BytesIO(self._objects[check_digest(digest)])
        except KeyError as error:
            raise NotFound(f"There is no artifact {digest}.") from error

    def contains(self, digest: str) -> bool:
        """See `ArtifactStore.contains`."""
        return check_digest(digest) in self._objects

    def delete(self, digest: str) -> None:
        """See `ArtifactStore.delete`."""
        with self._lock:
            self._objects.pop(check_digest(digest), None)

    def kept(self) -> Iterator[KeptArtifact]:
        """See `ArtifactStore.kept`."""
        with self._lock:
            found = list(self._objects.items())
        for digest, content in found:
            yield KeptArtifact(digest=digest, size=len(content), modified=self._modified[digest])

    def age(self, digest: str, modified: datetime) -> None:
        """Have it lie there since then."""
        self._modified[digest] = modified
