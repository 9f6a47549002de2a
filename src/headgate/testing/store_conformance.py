"""What every artifact store must do. Run each of `CHECKS` on an empty store."""

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, cast

from headgate.errors import Malformed, NotFound
from headgate.storage.stores import ArtifactStore

_CONTENTS = (b"", b"x", b"a" * 70_000, bytes(range(256)) * 9_000)
_ABSENT = hashlib.sha256(b"never stored").hexdigest()
_BAD_DIGESTS = (
    "",
    "..",
    "../../etc/passwd",
    "A" * 64,
    "g" * 64,
    "a" * 63,
    "a" * 65,
    "a" * 63 + "\n",
    "/" * 64,
    "٣" * 64,
)


class BreakingStream(io.RawIOBase):
    """Gives some bytes, then fails as a client's connection does."""

    def __init__(self, good: bytes) -> None:
        super().__init__()
        self._rest = good

    def read(self, size: int = -1) -> bytes:
        """The good bytes once; raises `ConnectionResetError` after them."""
        if not self._rest:
            raise ConnectionResetError("the sender went away")
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def stores_and_gives_back(store: ArtifactStore) -> None:
    """The bytes come back under the digest that was said."""
    for content in _CONTENTS:
        stored = store.put(io.BytesIO(content))
        assert stored.digest == hashlib.sha256(content).hexdigest()
        assert stored.size == len(content)
        assert store.contains(stored.digest)
        assert read_whole(store, stored.digest) == content


def keeps_one_object_for_the_same_bytes(store: ArtifactStore) -> None:
    """Storing again changes nothing, and one removal is enough."""
    first, second = store.put(io.BytesIO(b"same")), store.put(io.BytesIO(b"same"))
    assert first == second
    store.delete(first.digest)
    assert not store.contains(first.digest)


def takes_the_same_bytes_at_the_same_time(store: ArtifactStore) -> None:
    """Concurrent writers of one content leave one whole object."""
    content = b"shared" * 50_000
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda _: store.put(io.BytesIO(content)), range(24)))
    assert len({one.digest for one in stored}) == 1
    assert read_whole(store, stored[0].digest) == content


def reads_while_removed(store: ArtifactStore) -> None:
    """Who has opened an object reads it to the end, whoever removes it meanwhile."""
    stored = store.put(io.BytesIO(b"z" * 100_000))
    with store.open(stored.digest) as stream:
        store.delete(stored.digest)
        assert len(_drain(stream)) == 100_000


def misses_what_is_not_there(store: ArtifactStore) -> None:
    """An unknown digest is `NotFound`; removing it is harmless."""
    assert not store.contains(_ABSENT)
    store.delete(_ABSENT)
    try:
        store.open(_ABSENT).close()
    except NotFound:
        return
    raise AssertionError("expected NotFound for an object that was never stored")


def lists_what_it_keeps(store: ArtifactStore) -> None:
    """Every object is listed with its size and a plausible time, and no object that is gone."""
    stored = [store.put(io.BytesIO(content)) for content in _CONTENTS]
    gone = store.put(io.BytesIO(b"gone"))
    store.delete(gone.digest)
    listed = {each.digest: each for each in store.kept()}
    assert {digest: each.size for digest, each in listed.items()} == {each.digest: each.size for each in stored}
    assert all(abs(datetime.now(UTC) - each.modified) < timedelta(hours=1) for each in listed.values())


def refuses_digests_that_are_none(store: ArtifactStore) -> None:
    """Text that could become another path never reaches the store's folder."""
    calls: tuple[Callable[[str], object], ...] = (store.open, store.contains, store.delete)
    for digest in _BAD_DIGESTS:
        for call in calls:
            try:
                call(digest)
            except Malformed:
                continue
            raise AssertionError(f"expected Malformed from {call} for {digest!r}")


def leaves_nothing_of_a_broken_stream(store: ArtifactStore) -> None:
    """A stream that fails half way stores nothing, and the store goes on."""
    half = b"h" * 3_000_000
    try:
        store.put(cast("BinaryIO", BreakingStream(half)))
    except ConnectionResetError:
        assert not store.contains(hashlib.sha256(half).hexdigest())
        stores_and_gives_back(store)
        return
    raise AssertionError("expected the stream's own error")


def read_whole(store: ArtifactStore, digest: str) -> bytes:
    """An object's bytes."""
    with store.open(digest) as stream:
        return _drain(stream)


def _drain(stream: BinaryIO) -> bytes:
    return b"".join(iter(lambda: stream.read(64 * 1024), b""))


CHECKS: tuple[Callable[[ArtifactStore], None], ...] = (
    stores_and_gives_back,
    keeps_one_object_for_the_same_bytes,
    takes_the_same_bytes_at_the_same_time,
    reads_while_removed,
    misses_what_is_not_there,
    lists_what_it_keeps,
    refuses_digests_that_are_none,
    leaves_nothing_of_a_broken_stream,
)
