"""What object storage adds: networks that fail, services that are slow or say no, objects that others change."""

import hashlib
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from tests.object_storage import SECRET, S3Server

from headgate.errors import Corrupt, HeadgateError, Malformed, NotFound, Unavailable, Unusable
from headgate.storage.object_store import CALLS, CHUNK, ObjectStore, open_object_store
from headgate.storage.stores import look_at
from headgate.testing.faulty_proxy import Fault, FaultyProxy
from headgate.testing.store_conformance import read_whole

LARGE = 2 * CHUNK + 100_000
SLOW_DOWN = Fault(status=503, code="SlowDown")
FAILED = Fault(status=500, code="InternalError")
DENIED = Fault(status=403, code="AccessDenied")


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with FaultyProxy(s3_server.url) as running:
        yield running


@pytest.fixture
def store(proxy: FaultyProxy, bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A store behind the proxy that gives up early."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.environment(proxy.url)["AWS_ENDPOINT_URL"])
    return open_object_store(f"s3://{bucket}/models", retry_for=timedelta(seconds=3), patience=timedelta(seconds=0.5))


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, LARGE])
def test_any_size_comes_back(store: ObjectStore, size: int) -> None:
    content = os.urandom(size)
    stored = store.put(io.BytesIO(content))
    assert (stored.digest, stored.size) == (digest_of(content), size)
    assert read_whole(store, stored.digest) == content


def test_what_stands_before_the_stream_s_place_is_not_stored(store: ObjectStore) -> None:
    for size in (10, LARGE):
        stream = io.BytesIO(b"before" + bytes(size))
        stream.seek(6)
        assert store.put(stream).digest == digest_of(bytes(size))


def test_the_same_bytes_are_sent_once(store: ObjectStore, proxy: FaultyProxy) -> None:
    store.put(io.BytesIO(bytes(LARGE)))
    proxy.seen.clear()
    store.put(io.BytesIO(bytes(LARGE)))
    assert {seen.method for seen in proxy.seen} == {"GET"}


@pytest.mark.parametrize("size", [10, LARGE])
def test_an_object_that_was_changed_is_found_and_healed_by_storing_again(
    store: ObjectStore, s3_server: S3Server, bucket: str, size: int
) -> None:
    content = os.urandom(size)
    stored = store.put(io.BytesIO(content))
    (key,) = s3_server.objects(bucket)
    for changed in (content[:-1], bytes([content[0] ^ 1]) + content[1:], content + b"x"):
        s3_server.overwrite(bucket, key, changed)
        with pytest.raises(Corrupt, match=stored.digest):
            read_whole(store, stored.digest)
        store.put(io.BytesIO(content))
        assert read_whole(store, stored.digest) == content


def test_a_bit_that_turns_on_the_way_is_found(store: ObjectStore, proxy: FaultyProxy) -> None:
    stored = store.put(io.BytesIO(bytes(100_000)))
    proxy.faults.append(Fault(flip=70_000))
    with pytest.raises(Corrupt):
        read_whole(store, stored.digest)
    assert read_whole(store, stored.digest) == bytes(100_000)


@pytest.mark.parametrize("fault", [SLOW_DOWN, FAILED, Fault(unanswered=True)], ids=["slow-down", "500", "unanswered"])
def test_passing_faults_are_waited_out(store: ObjectStore, proxy: FaultyProxy, fault: Fault) -> None:
    for content in (b"small", os.urandom(LARGE)):
        proxy.faults.extend([fault, fault])
        stored = store.put(io.BytesIO(content))
        proxy.faults.append(fault)
        assert store.contains(stored.digest)
        proxy.faults.append(fault)
        assert read_whole(store, stored.digest) == content


@pytest.mark.parametrize("fault", [Fault(cut_after=CHUNK + 7), Fault(stall_after=CHUNK + 7)], ids=["cut", "stalled"])
def test_a_reading_that_breaks_off_is_resumed_where_it_was(
    store: ObjectStore, proxy: FaultyProxy, fault: Fault
) -> None:
    content = os.urandom(LARGE)
    stored = store.put(io.BytesIO(content))
    proxy.seen.clear()
    proxy.faults.append(fault)
    assert read_whole(store, stored.digest) == content
    assert [bool(seen.range) for seen in proxy.seen] == [False, True]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (SLOW_DOWN, "SlowDown|503"),
        (FAILED, "InternalError|500"),
        (DENIED, "AccessDenied|403"),
        (Fault(silent=True), "too long"),
    ],
    ids=["slow-down", "500", "denied", "silent"],
)
def test_a_lasting_fault_ends_every_call_in_bounded_time(
    store: ObjectStore, proxy: FaultyProxy, s3_server: S3Server, bucket: str, fault: Fault, said: str
) -> None:
    store = open_object_store(store.location, timedelta(seconds=0.5), timedelta(seconds=0.2))
    kept = store.put(io.BytesIO(b"kept"))
    proxy.always = fault
    calls: list[Callable[[], object]] = [
        lambda: store.put(io.BytesIO(b"new")),
        lambda: store.contains(kept.digest),
        lambda: read_whole(store, kept.digest),
        lambda: list(store.kept()),
        lambda: store.delete(kept.digest),
    ]
    for call in calls:
        with pytest.raises(Unavailable, match=said):
            call()
    proxy.always = None
    assert len(s3_server.objects(bucket)) == 1
    assert read_whole(store, kept.digest) == b"kept"


def test_parts_of_an_upload_that_fails_are_taken_away(
    store: ObjectStore, proxy: FaultyProxy, s3_server: S3Server, bucket: str
) -> None:
    proxy.faults.extend([Fault(), DENIED, DENIED, DENIED])
    with pytest.raises(Unavailable, match="AccessDenied"):
        store.put(io.BytesIO(os.urandom(LARGE)))
    assert s3_server.objects(bucket) == []
    assert s3_server.uploads(bucket) == 0


def test_a_file_that_changes_while_it_is_stored_is_refused(
    store: ObjectStore, s3_server: S3Server, bucket: str
) -> None:
    class Changing(io.BytesIO):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            with self.getbuffer() as view:
                view[-1] ^= 1
            return super().seek(offset, whence)

    with pytest.raises(Corrupt, match="changed"):
        store.put(Changing(bytes(LARGE)))
    assert (s3_server.objects(bucket), s3_server.uploads(bucket)) == ([], 0)


UPLOAD = """
import io, os, signal, sys
from headgate.storage import object_store
store = object_store.open_object_store(sys.argv[1])
whole = object_store._same_bytes
def dying(*arguments):
    for number, chunk in enumerate(whole(*arguments)):
        if number == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        yield chunk
object_store._same_bytes = dying
store.put(io.BytesIO(os.urandom(8 * object_store.CHUNK)))
"""


def test_a_killed_upload_is_invisible_and_can_be_repeated(s3_server: S3Server, bucket: str) -> None:
    done = subprocess.run([sys.executable, "-c", UPLOAD, f"s3://{bucket}/models"], check=False, timeout=60)
    assert done.returncode == -9
    assert s3_server.objects(bucket) == []
    store = open_object_store(f"s3://{bucket}/models")
    content = os.urandom(LARGE)
    store.put(io.BytesIO(content))
    assert read_whole(store, digest_of(content)) == content


def test_a_wiped_bucket_misses_everything(store: ObjectStore, s3_server: S3Server, bucket: str) -> None:
    stored = store.put(io.BytesIO(b"gone"))
    s3_server.wipe(bucket)
    assert not store.contains(stored.digest)
    assert list(store.kept()) == []
    with pytest.raises(NotFound):
        store.open(stored.digest)


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    store = open_object_store(f"s3://{bucket}-not/models", retry_for=timedelta(seconds=1))
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.put(io.BytesIO(b"x")),
        lambda: store.open("a" * 64),
        lambda: list(store.kept()),
    )
    for call in calls:
        with pytest.raises(Unavailable, match="no bucket"):
            call()


def test_a_look_tells_what_will_not_work_from_what_may_soon(
    store: ObjectStore, proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_at(store, 20) == ""
    with pytest.raises(Unusable, match="There is no bucket at"):
        look_at(open_object_store(f"s3://{bucket}-not/models"), 20)
    proxy.always = DENIED
    with pytest.raises(Unusable, match="refuses the credentials"):
        look_at(store, 20)
    proxy.always = SLOW_DOWN
    assert "could not be used" in look_at(store, 20)
    # not waited for any longer, whatever the store does
    assert "has not answered in 0 s" in look_at(store, 0)


def test_calls_at_once_are_bounded(store: ObjectStore, proxy: FaultyProxy) -> None:
    """A store that hangs does not take every thread that asks it."""
    stored = store.put(io.BytesIO(b"content"))
    readers = [store.open(stored.digest) for _ in range(CALLS)]
    calls: tuple[Callable[[str], object], ...] = (store.contains, store.open, store.delete)
    for call in calls:
        with pytest.raises(Unavailable, match="under way") as caught:
            call(stored.digest)
        assert caught.value.retry_after
    readers.pop().close()
    assert store.contains(stored.digest)
    for reader in readers:
        reader.close()
        reader.close()
    assert [store.contains(stored.digest) for _ in range(CALLS + 1)]


def test_what_others_keep_in_the_bucket_is_not_listed(store: ObjectStore, s3_server: S3Server, bucket: str) -> None:
    stored = store.put(io.BytesIO(b"ours"))
    for key in ("models/objects/readme.txt", "models/other/" + "a" * 64, "elsewhere/objects/aa/" + "a" * 64):
        s3_server.overwrite(bucket, key, b"theirs")
    assert [each.digest for each in store.kept()] == [stored.digest]


@pytest.mark.parametrize(
    "url", ["s3://key:secret@bucket/prefix", "s3://bucket/prefix?token=secret", "s3://bucket/#secret", "s3:///prefix"]
)
def test_urls_with_credentials_or_without_a_bucket_are_refused_unquoted(url: str) -> None:
    with pytest.raises(Malformed) as caught:
        open_object_store(url)
    assert "secret" not in caught.value.message


def test_other_clouds_are_named_by_their_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_object_store("gs://bucket/prefix").location == "gs://bucket/prefix"
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(Unavailable, match="AZURE_STORAGE_ACCOUNT_NAME"):
        open_object_store("az://container/prefix")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    assert open_object_store("az://container/prefix").location == "az://container/prefix"


def test_no_error_shows_a_secret(store: ObjectStore, proxy: FaultyProxy) -> None:
    proxy.always = DENIED
    try:
        store.put(io.BytesIO(b"new"))
    except HeadgateError as error:
        shown = "".join(traceback.format_exception(error, chain=not error.__suppress_context__))
    assert SECRET not in shown + repr(store) + store.location
