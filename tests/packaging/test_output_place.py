"""What cannot be written is called what the caller called it, not by the name of a draft or of what was copied."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

import pytest

from headgate.bundle.bundle import Bundle
from headgate.errors import Malformed, Unavailable
from headgate.packaging.draft import deliver, drafting
from headgate.testing.bundles import build_bundle


@contextmanager
def no_room() -> Iterator[None]:
    """No file of this process grows; the error is one of those of a full disk."""
    before = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, before)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.joblib").write_bytes(b"model")
    monkeypatch.chdir(tmp_path)


def test_a_full_disk_names_the_output() -> None:
    expected = pytest.raises(Unavailable, match=r"^There is no room for out/b\.hgb\. Make room")
    with expected, drafting(Path("out/b.hgb")) as folder, no_room():
        (folder / "m.joblib").write_bytes(b"model")
    with expected, drafting(Path("out/b.hgb")) as folder:
        # as `shutil.copyfile` tells it
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "m.joblib", None, str(folder / "m.joblib"))
    assert list(Path("out").iterdir()) == []


def test_a_full_disk_names_the_archive(tmp_path: Path) -> None:
    built = build_bundle(tmp_path / "made")
    with pytest.raises(Unavailable, match=r"no room for b\.hgb\."), drafting(Path("b.hgb")), no_room():
        deliver(Bundle(built.folder, built.manifest, built.digest), Path("b.hgb").absolute())


def test_a_place_that_takes_no_file_is_named() -> None:
    for place in ("/proc/a.hgb", "/proc/nope/a.hgb"):
        with (
            pytest.raises(Malformed, match=f"^Expected to write {place}, could not: No such file"),
            drafting(Path(place)),
        ):
            raise AssertionError


def test_what_cannot_be_read_keeps_its_name() -> None:
    with pytest.raises(FileNotFoundError, match=r"elsewhere\.csv"), drafting(Path("out/b.hgb")):
        Path("elsewhere.csv").read_bytes()
