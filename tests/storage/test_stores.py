"""Every artifact store, and what a folder adds: links, crashes, full disks."""

import errno
import fcntl
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.errors import Corrupt, Refused, Unavailable
from headgate.storage import artifacts
from headgate.storage.artifacts import FolderStore, open_folder_store
from headgate.storage.stores import FOLDER, STORES, ArtifactStore, open_store, open_store_at
from headgate.testing.store import MemoryStore
from headgate.testing.store_conformance import CHECKS, read_whole


@pytest.fixture(params=[*STORES, "memory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """Each of the table, empty."""
    kind = str(request.param)
    if kind == "memory":
        return MemoryStore()
    if kind == FOLDER:
        return open_store(kind, str(tmp_path / "store"))
    if kind == "s3":
        return open_store(kind, f"s3://{request.getfixturevalue('bucket')}/some/prefix")
    pytest.skip(f"there is no server of {kind} to test with; it is the code of s3 with another client of obstore")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(any_store: ArtifactStore, check: Callable[[ArtifactStore], None]) -> None:
    check(any_store)


def test_a_place_is_a_folder_or_the_url_of_a_store(tmp_path: Path) -> None:
    default = tmp_path / "default"
    assert open_store_at("", default).location == str(default)
    assert open_store_at(str(tmp_path / "other"), default).location == str(tmp_path / "other")
    assert open_store_at(f"file://{tmp_path}/with%20space", default).location == str(tmp_path / "with space")
    for place in ("floppy://a", "folder://a", "http://a/b"):
        with pytest.raises(Refused, match=place.partition(":")[0]):
            open_store_at(place, default)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def put(store: FolderStore, content: bytes) -> tuple[str, Path]:
    """The digest and the path of a stored object."""
    digest = store.put(io.BytesIO(content)).digest
    return digest, next(path for path in files_in(store._objects) if path.name == digest)


def test_an_unknown_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="folder"):
        open_store("floppy", str(tmp_path))
    monkeypatch.setitem(STORES, "broken", "headgate.storage.nowhere:open")
    with pytest.raises(Refused, match="nowhere"):
        open_store("broken", str(tmp_path))


def test_files_and_folders_are_private(store: FolderStore, tmp_path: Path) -> None:
    put(store, b"secret")
    for path in (tmp_path / "store").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("place", [0, 50_000, 99_999])
def test_changed_bytes_are_found(store: FolderStore, place: int) -> None:
    content = bytearray(os.urandom(100_000))
    digest, path = put(store, bytes(content))
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=digest):
        read_whole(store, digest)


@pytest.mark.parametrize("content", [b"", b"abc", b"abcdefg"])
def test_a_truncated_or_longer_file_is_found(store: FolderStore, content: bytes) -> None:
    digest, path = put(store, b"abcdef")
    path.write_bytes(content)
    with pytest.raises(Corrupt):
        read_whole(store, digest)


def test_storing_again_heals(store: FolderStore) -> None:
    digest, path = put(store, b"abcdef")
    path.write_bytes(b"abcdeX")
    put(store, b"abcdef")
    assert read_whole(store, digest) == b"abcdef"


@pytest.mark.parametrize("plant", ["symlink", "hardlink", "fifo", "folder"])
def test_planted_things_are_refused(store: FolderStore, tmp_path: Path, plant: str) -> None:
    digest, path = put(store, b"canary")
    path.unlink()
    canary = tmp_path / "canary"
    canary.write_bytes(b"canary")
    if plant == "symlink":
        path.symlink_to(canary)
    elif plant == "hardlink":
        path.hardlink_to(canary)
    elif plant == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(Corrupt, match=digest):
        store.open(digest)
    assert store.contains(digest) == (plant == "hardlink")
    assert canary.read_bytes() == b"canary"


def test_descriptors_are_given_back(store: FolderStore) -> None:
    digest, path = put(store, b"canary")
    path.with_name("second").hardlink_to(path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(Corrupt):
            store.open(digest)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


class FailingWrites:
    """Lets some bytes through, then the disk is full."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, file: io.FileIO, chunk: bytes) -> None:
        if len(chunk) > self.room:
            file.write(chunk[: self.room])
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(chunk)
        file.write(chunk)


@pytest.mark.parametrize("room", [0, 1, 1024 * 1024, 2_500_000])
def test_a_full_disk_leaves_nothing(
    store: FolderStore, tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, _ = put(store, b"earlier")
    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "write_whole", FailingWrites(room))
        with pytest.raises(Unavailable, match="room"):
            store.put(io.BytesIO(bytes(3_000_000)))
    assert [path.name for path in files_in(tmp_path / "store")] == [digest]
    assert read_whole(store, digest) == b"earlier"
    put(store, bytes(3_000_000))


def test_a_really_full_disk_leaves_nothing(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount], check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        store = FolderStore(mount / "store")
        put(store, b"earlier")
        with pytest.raises(Unavailable, match="room"):
            store.put(io.BytesIO(os.urandom(3_000_000)))
        assert len(files_in(mount)) == 1
        put(store, os.urandom(1_000_000))
    finally:
        subprocess.run(["umount", mount], check=True)


UPLOAD = """
import io, os, signal, sys
from pathlib import Path
from headgate.storage.artifacts import FolderStore
class Killer(io.RawIOBase):
    def read(self, size=-1):
        if os.path.getsize(next(iter(Path(sys.argv[1], "staging").iterdir()))) > 2_000_000:
            os.kill(os.getpid(), signal.SIGKILL)
        return bytes(1_000_000)
FolderStore(Path(sys.argv[1])).put(Killer())
"""


def test_a_killed_upload_is_invisible_and_cleaned_at_the_next_start(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", UPLOAD, tmp_path / "store"], check=False, timeout=60)
    assert done.returncode == -9
    assert [path.parent.name for path in files_in(tmp_path / "store")] == ["staging"]
    open_folder_store(str(tmp_path / "store"))
    assert files_in(tmp_path / "store") == []


def test_cleaning_spares_who_is_writing(store: FolderStore, tmp_path: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            open_folder_store(str(tmp_path / "store"))
            return super().read(size)

    stored = store.put(Slow(b"still here"))
    assert read_whole(store, stored.digest) == b"still here"


def test_a_draft_that_was_cleaned_before_its_lock_is_made_anew(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    calls: list[int] = []

    def late(file: io.FileIO, operation: int) -> None:
        if not calls:
            calls.append(1)
            next((tmp_path / "store" / "staging").iterdir()).unlink()
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    put(store, b"content")
    assert calls
