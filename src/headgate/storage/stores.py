"""The contract of an artifact store, and the table of stores."""

import re
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from headgate.errors import HeadgateError, Malformed, Refused, Unusable
from headgate.names import shown
from headgate.records import Record

FOLDER = "folder"
_OBJECTS = "headgate.storage.object_store:open_object_store"
# a kind is the scheme of the URL that names such a store
STORES = {FOLDER: "headgate.storage.artifacts:open_folder_store", "s3": _OBJECTS, "gs": _OBJECTS, "az": _OBJECTS}
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class StoredArtifact(Record, frozen=True, kw_only=True):
    """What lies in a store under its own digest."""

    digest: str  # sha256 of the bytes, in hex
    size: int  # bytes


class KeptArtifact(Record, frozen=True, kw_only=True):
    """An object as a store lists it."""

    digest: str
    size: int
    modified: datetime


class ArtifactStore(Protocol):
    """Bytes under their own sha256; an object is there whole or not at all.

    Any method raises `Unavailable` when the store cannot be reached, and none waits for it without bound.
    """

    # for people: where it is, without secrets
    location: str

    def put(self, stream: BinaryIO) -> StoredArtifact:
        """Store everything that the stream gives; the same bytes are one object.

        Raises `Unavailable` when there is no room, and leaves nothing behind.
        """
        ...

    def open(self, digest: str) -> BinaryIO:
        """The object's bytes, read once from begin to end; close it.

        Raises `NotFound`, or `Corrupt` at the latest with the last byte when they are not those of the digest.
        """
        ...

    def contains(self, digest: str) -> bool:
        """Whether the object is there."""
        ...

    def delete(self, digest: str) -> None:
        """Remove the object; harmless when it is not there."""
        ...

    def kept(self) -> Iterator[KeptArtifact]:
        """What lies there, in any order; what is stored or removed meanwhile may be among it or not."""
        ...


def is_digest(text: str) -> bool:
    """Whether it is 64 lower-case hex digits."""
    return _DIGEST.fullmatch(text) is not None


def check_digest(digest: str) -> str:
    """The digest itself. Raises `Malformed` when it is not 64 lower-case hex digits: it becomes part of a path."""
    if not is_digest(digest):
        raise Malformed(f"{shown(digest)} is not a sha256 digest: expected 64 lower-case hex digits.")
    return digest


def open_store_at(place: str, folder: Path) -> ArtifactStore:
    """Open the store that a setting names: a URL, a folder, or nothing for `folder`. Raises as `open_store` does."""
    scheme, mark, rest = place.partition("://")
    if not mark:
        return open_store(FOLDER, place or str(folder))
    if scheme == "file":
        return open_store(FOLDER, unquote(urlsplit(place).path))
    if scheme == FOLDER:
        raise Refused(f"There is no artifact store {FOLDER}://: name a folder by its path alone, {shown(rest)}.")
    return open_store(scheme, place)


def look_at(store: ArtifactStore, seconds: float) -> str:
    """Why the store does not answer within so many seconds; empty where it does. Raises `Unusable`.

    The look is not waited for any longer, whatever the store does: an instance starts while its store is down.
    """
    found: Queue[HeadgateError | None] = Queue()

    def look() -> None:
        try:
            next(iter(store.kept()), None)
        except HeadgateError as error:
            found.put(error)
        else:
            found.put(None)

    Thread(target=look, name="store-look", daemon=True).start()
    try:
        trouble = found.get(timeout=seconds)
    except Empty:
        return f"{store.location} has not answered in {seconds:g} s."
    if isinstance(trouble, Unusable):
        raise trouble
    return trouble.message if trouble else ""


def open_store(kind: str, location: str) -> ArtifactStore:
    """Open the store of a kind in `STORES` or of an installed extension (`headgate.stores`) at a location.

    Raises `Refused` for an unknown kind or one that cannot be imported.
    """
    target = STORES.get(kind) or {entry.name: entry.value for entry in entry_points(group="headgate.stores")}.get(kind)
    if target is None:
        raise Refused(f"There is no artifact store {shown(kind)}: known are {', '.join(sorted(STORES))}.")
    module, _, attribute = target.partition(":")
    try:
        opener = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        hint = " Install it: pip install 'headgate[s3]'." if getattr(error, "name", "") == "obstore" else ""
        raise Refused(f"The artifact store {kind} cannot be imported from {target}: {error}.{hint}") from error
    store: ArtifactStore = opener(location)
    return store
