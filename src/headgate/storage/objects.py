"""Objects of a bucket that others fill: listed and read as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from headgate.errors import Conflict, Forbidden, HeadgateError, Malformed, NotFound, Unavailable, Unreachable
from headgate.storage.bucket import is_unanswered, open_bucket, what_it_said

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3CredentialProvider

PAGE = 1000
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Object:
    """One object as the bucket lists it."""

    key: str
    size: int
    tag: str  # changes with its bytes


class Objects:
    """What lies below a URL.

    Any method raises `Malformed`, `NotFound`, `Forbidden`, `Conflict`, `Unreachable` or `Unavailable`, with the next
    step.
    """

    def __init__(self, url: str, *, region: str = "", identity: "S3CredentialProvider | None" = None) -> None:
        parts = urlsplit(url)
        self.url = url
        self.key = parts.path.strip("/")
        # of the whole bucket: keys are then what they are called there
        self._store = open_bucket(parts._replace(path="").geturl(), region=region, identity=identity)

    def one(self) -> Object | None:
        """The object of exactly that name, if there is one; none where the URL ends as a folder's."""
        if not self.key or self.url.endswith("/"):
            return None
        try:
            with self._translated():
                return _object(obstore.head(self._store, self.key))
        except NotFound:
            return None

    def below(self) -> Iterator[Object]:
        """All objects in it as in a folder, also in folders in it."""
        with self._translated():
            pages = iter(obstore.list(self._store, self.key, chunk_size=PAGE))
        while True:
            with self._translated():
                page = next(pages, None)
            if page is None:
                return
            yield from map(_object, page)

    def read(self, thing: Object) -> Iterator[bytes]:
        """Its bytes, if it is still the one that was listed."""
        with self._translated():
            found = obstore.get(self._store, thing.key, options={"if_match": thing.tag} if thing.tag else {})
            chunks = iter(found.stream(min_chunk_size=CHUNK_BYTES))
        while True:
            with self._translated():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield bytes(chunk)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The library's errors in our words, and without what they quote: some stores sign the URLs that they quote."""
        try:
            yield
        except (FileNotFoundError, BaseError, ValueError) as error:
            raise _translate(error, self.url) from None


def _object(found: "ObjectMeta") -> Object:
    return Object(found["path"], found["size"], found["e_tag"] or "")


def _translate(error: Exception, url: str) -> HeadgateError:
    said = what_it_said(error)
    if said == "NoSuchBucket":
        return NotFound(f"There is no bucket of {url}: is its name right?")
    if isinstance(error, FileNotFoundError):
        return NotFound(f"There is nothing at {url}: is its name right?")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return Forbidden(
            f"{url} refuses the credentials of this environment ({said}). Give them the right to list the bucket and "
            "to get its objects, or set others: for S3 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or, where the "
            "extra sagemaker is installed, AWS_PROFILE."
        )
    if isinstance(error, InvalidPathError | ValueError):
        return Malformed(f"{url} holds objects whose names are no paths of files. Copy what is meant elsewhere.")
    if isinstance(error, PreconditionError):
        return Conflict(f"What lies at {url} was changed while it was read. Import it again.")
    if is_unanswered(said):
        return Unreachable(f"{url} cannot be reached: {said}. Is AWS_ENDPOINT_URL, or the network, right?")
    return Unavailable(f"{url} could not be read: {said}. Try again.", retry_after=2.0)
