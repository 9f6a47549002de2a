"""A hostile archive gives an error of ours, leaves nothing, and never writes outside of its staging folder."""

import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headgate.bundle.archive import Limits, is_member_name, pack_folder, unpack
from headgate.errors import BadArchive, Conflict, HeadgateError, Malformed, TooLarge

BLOCK = 512


def packed(folder: Path) -> bytes:
    target = io.BytesIO()
    pack_folder(folder, target)
    return target.getvalue()


def make(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def member(name: str | bytes, content: bytes = b"x", **changes: object) -> bytes:
    """One member as another tool would write it, but for the changes normalised as ours are."""
    info = tarfile.TarInfo("placeholder")
    info.size, info.mode, info.mtime = len(content), 0o644, 0
    for key, value in changes.items():
        setattr(info, key, value)
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT)[:BLOCK])
    header[:100] = (name.encode() if isinstance(name, str) else name).ljust(100, b"\0")
    return with_checksum(header) + content + bytes(-len(content) % BLOCK)


def with_checksum(header: bytearray) -> bytes:
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


END = bytes(2 * BLOCK)
HARD_LINK, LINK, DEVICE, BLOCK_DEVICE, FOLDER, FIFO = (
    {"type": kind, "linkname": "../canary"} for kind in (b"1", b"2", b"3", b"4", b"5", b"6")
)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "traversal": lambda: member("../canary") + END,
    "traversal inside": lambda: member("a/../../canary") + END,
    "absolute": lambda: member("/canary") + END,
    "absolute twice": lambda: member("//canary") + END,
    "current folder": lambda: member("./a") + END,
    "empty part": lambda: member("a//b") + END,
    "empty name": lambda: member("") + END,
    "hidden": lambda: member(".profile") + END,
    "backslash": lambda: member("..\\canary") + END,
    "drive": lambda: member("C:canary") + END,
    "percent": lambda: member("%2e%2e%2fcanary") + END,
    "NUL in the name": lambda: member(b"a\0b") + END,
    "newline in the name": lambda: member("a\nb") + END,
    "not ASCII": lambda: member("ä") + END,
    "name of 4096": lambda: member("a" * 100) + member("b" * 100) + b"a" * 4096 + END,
    "traversal by prefix": lambda: with_prefix(b".."),
    "absolute prefix": lambda: with_prefix(b"/tmp"),
    "symbolic link": lambda: member("a", b"", **LINK) + END,
    "file through a link": lambda: member("a", b"", **LINK) + member("a/b") + END,
    "hard link": lambda: member("a", b"", **HARD_LINK) + END,
    "device": lambda: member("a", b"", **DEVICE) + END,
    "block device": lambda: member("a", b"", **BLOCK_DEVICE) + END,
    "fifo": lambda: member("a", b"", **FIFO) + END,
    "folder": lambda: member("a", b"", **FOLDER) + END,
    "sparse": lambda: member("a", b"x" * BLOCK, type=b"S") + END,
    "old file type": lambda: member("a", type=b"\0") + END,
    "contiguous": lambda: member("a", type=b"7") + END,
    "extended header": lambda: member("a", b"20 path=../canary\n\n\n", type=b"x") + member("b") + END,
    "global header": lambda: member("a", b"20 path=../canary\n\n\n", type=b"g") + member("b") + END,
    "long name": lambda: member("a", b"../canary\0", type=b"L") + member("b") + END,
    "set-uid": lambda: member("a", mode=0o4755) + END,
    "executable": lambda: member("a", mode=0o755) + END,
    "owner": lambda: member("a", uid=1000) + END,
    "owner's name": lambda: member("a", uname="root") + END,
    "time": lambda: member("a", mtime=1) + END,
    "duplicate": lambda: member("a") + member("a") + END,
    "duplicate but for case": lambda: member("A") + member("a") + END,
    "out of order": lambda: member("b") + member("a") + END,
    "file and folder": lambda: member("a") + member("a/b") + END,
    "no end": lambda: member("a"),
    "half an end": lambda: member("a") + bytes(BLOCK),
    "damaged end": lambda: member("a") + bytes(BLOCK) + b"x" * BLOCK,
    "bytes after the end": lambda: member("a") + END + b"x",
    "more zeros after the end": lambda: member("a") + END + END,
    "cut inside a header": lambda: member("a")[:100],
    "cut inside a file": lambda: member("a", b"x" * 2000)[:1500],
    "padding that is none": lambda: member("a")[:-1] + b"x" + END,
    "wrong checksum": lambda: b"a" + bytes(147) + b"000000\0 " + bytes(356) + END,
    "negative size": lambda: sized(b"-0000000001\0"),
    "size with a sign": lambda: sized(b"+0000000001\0"),
    "size with spaces": lambda: sized(b"         1 \0"),
    "size with underscores": lambda: sized(b"0000_0000_1\0"),
    "size in another spelling": lambda: sized(b"\x80" + (1).to_bytes(11, "big")),
    "nothing": lambda: b"",
    "only an end": lambda: END,
    "gzip": lambda: b"\x1f\x8b\x08" + bytes(600),
    "zip": lambda: b"PK\x03\x04" + bytes(600),
    "text": lambda: b"hello" * 300,
}  # fmt: skip


def with_prefix(prefix: bytes) -> bytes:
    header = bytearray(member("canary")[:BLOCK])
    header[345 : 345 + len(prefix)] = prefix
    return with_checksum(header) + b"x".ljust(BLOCK, b"\0") + END


def sized(field: bytes) -> bytes:
    header = bytearray(member("a")[:BLOCK])
    header[124:136] = field
    return with_checksum(header) + b"x".ljust(BLOCK, b"\0") + END


def assert_untouched(place: Path) -> None:
    """Nothing is in the folder that archives are unpacked in, and the canary beside it is as it was."""
    assert list(place.iterdir()) == []
    assert (place.parent / "canary").read_bytes() == b"canary"
    assert sorted(path.name for path in place.parent.iterdir()) == ["canary", place.name]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "canary").write_bytes(b"canary")
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def test_a_member_made_by_these_tests_is_accepted(place: Path) -> None:
    """Otherwise the cases below would be refused for what they have in common."""
    unpack(io.BytesIO(member("a") + member("b/c", b"y" * 600) + END), place / "out")
    assert (place / "out" / "b" / "c").read_bytes() == b"y" * 600


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused(case: str, place: Path) -> None:
    with pytest.raises(BadArchive):
        unpack(io.BytesIO(HOSTILE[case]()), place / "out")
    assert_untouched(place)


class Endless(io.RawIOBase):
    """A header that announces a huge file, then zeros for ever; counts what was read."""

    def __init__(self, header: bytes) -> None:
        self.header, self.served = header, 0

    def read(self, size: int = -1) -> bytes:
        data, self.header = self.header[:size], self.header[size:]
        data = data or bytes(size)
        self.served += len(data)
        return data


def test_a_huge_member_is_refused_before_it_is_written(place: Path) -> None:
    for size in (10 * 1024**3, 2**60):
        field = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
        source = Endless(sized(field)[:BLOCK])
        with pytest.raises(TooLarge):
            unpack(source, place / "out", Limits(bytes=1024**2))  # type: ignore[arg-type]  # read is all it needs
        assert source.served == BLOCK
    assert_untouched(place)


def test_many_small_members_are_refused_at_the_limit(place: Path) -> None:
    many = b"".join(member(f"f{number:06d}") for number in range(11))
    with pytest.raises(TooLarge):
        unpack(io.BytesIO(many + END), place / "out", Limits(members=10))
    assert_untouched(place)
    unpack(io.BytesIO(many + END), place / "out", Limits(members=11))


def test_the_sum_of_members_is_limited(place: Path) -> None:
    with pytest.raises(TooLarge):
        unpack(io.BytesIO(member("a", bytes(600)) + member("b", bytes(600)) + END), place / "out", Limits(bytes=1199))
    assert_untouched(place)


def test_what_was_unpacked_is_taken_back_when_the_check_fails(place: Path) -> None:
    def refuse(folder: Path) -> None:
        assert (folder / "a").read_bytes() == b"x"
        raise Malformed("not this one")

    with pytest.raises(Malformed, match="not this one"):
        unpack(io.BytesIO(member("a") + END), place / "out", check=refuse)
    assert_untouched(place)


def test_a_folder_that_is_there_is_not_replaced(place: Path) -> None:
    make(place / "out", {"mine": b"1"})
    with pytest.raises(Conflict):
        unpack(io.BytesIO(member("a") + END), place / "out")
    assert [path.name for path in place.iterdir()] == ["out"]
    assert (place / "out" / "mine").read_bytes() == b"1"


def test_unpacked_files_are_private(place: Path) -> None:
    old = os.umask(0)
    try:
        unpack(io.BytesIO(member("a/b") + END), place / "out")
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (place / "out").rglob("*")}
    assert modes == {"a": 0o700, "b": 0o600}
    assert stat.S_IMODE((place / "out").stat().st_mode) == 0o700


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    files = {"b": b"2", "a": b"1", "a-b": b"", "deep/er/file": b"x" * 1000, "a.b/c": b"3"}
    one = make(tmp_path / "one", files)
    other = make(tmp_path / "other", dict(reversed(files.items())))
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    assert packed(one) == packed(other)


def test_other_tools_read_what_is_packed(tmp_path: Path) -> None:
    long = f"{'d' * 90}/{'e' * 60}/{'f' * 90}"
    folder = make(tmp_path / "one", {"a": b"1", long: b"2" * 513})
    with tarfile.open(fileobj=io.BytesIO(packed(folder))) as archive:
        found = {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]  # files
    assert found == {"a": b"1", long: b"2" * 513}


@pytest.mark.parametrize("name", ["a b", ".hidden", "-dash", "ü", "a:b"])
def test_names_that_no_bundle_holds_are_not_packed(tmp_path: Path, name: str) -> None:
    with pytest.raises(Malformed, match="rename"):
        packed(make(tmp_path / "one", {name: b""}))


@pytest.mark.parametrize("kind", ["link", "link to a folder", "fifo"])
def test_links_and_devices_are_not_packed(tmp_path: Path, kind: str) -> None:
    folder = make(tmp_path / "one", {"a": b""})
    (tmp_path / "outside").mkdir()
    if kind == "fifo":
        os.mkfifo(folder / "b")
    else:
        (folder / "b").symlink_to(tmp_path / "outside" if kind.endswith("folder") else folder / "a")
    with pytest.raises(Malformed, match="plain files"):
        packed(folder)


names = some.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._+=@-]{0,20}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,20}){0,3}", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(files=some.dictionaries(names, some.binary(max_size=1500), min_size=1, max_size=6))
def test_whatever_is_packed_comes_out_again(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    parts = [part for name in files for part in parents(name)]
    if {part.lower() for part in parts} & {name.lower() for name in files} or len({n.lower() for n in files}) < len(
        files
    ):
        return
    place = tmp_path_factory.mktemp("round")
    content = packed(make(place / "in", files))
    unpack(io.BytesIO(content), place / "out")
    assert packed(place / "out") == content
    assert {
        str(p.relative_to(place / "out")): p.read_bytes() for p in (place / "out").rglob("*") if p.is_file()
    } == files


def parents(name: str) -> list[str]:
    return [str(parent) for parent in Path(name).parents][:-1]


raw_fields = some.fixed_dictionaries(
    {
        "name": some.one_of(names, some.text(max_size=120), some.just("../canary"), some.just("/canary")),
        "type": some.sampled_from(
            [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"S", b"x", b"g", b"L", b"K", b"\0"]
        ),
        "linkname": some.sampled_from(["", "../canary", "/etc/passwd", "a"]),
        "content": some.binary(max_size=1200),
        "prefix": some.sampled_from([b"", b"..", b"/", b"a", b"a/.."]),
        "flip": some.one_of(some.none(), some.tuples(some.integers(0, BLOCK - 1), some.integers(1, 255))),
    }
)


def build(fields: list[dict[str, Any]], end: bool) -> bytes:
    parts = []
    for field in fields:
        content = field["content"]
        name = field["name"].encode(errors="surrogatepass")[:100]
        block = bytearray(member(name, content, type=field["type"], linkname=field["linkname"]))
        prefix = field["prefix"]
        block[345 : 345 + len(prefix)] = prefix
        block[:BLOCK] = with_checksum(block[:BLOCK])
        if field["flip"]:
            place, mask = field["flip"]
            block[place] ^= mask
        parts.append(bytes(block))
    return b"".join(parts) + (END if end else b"")


@settings(max_examples=150, deadline=None)
@given(
    data=some.one_of(
        some.binary(max_size=3000), some.builds(build, some.lists(raw_fields, min_size=1, max_size=4), some.booleans())
    )
)
def test_any_bytes_give_an_error_of_ours_or_files_in_their_folder(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    place = tmp_path_factory.mktemp("any")
    (place / "canary").write_bytes(b"canary")
    (place / "in").mkdir()
    try:
        unpack(io.BytesIO(data), place / "in" / "out", Limits(members=3, bytes=3000))
    except (BadArchive, TooLarge) as error:
        assert isinstance(error, HeadgateError)
        assert_untouched(place / "in")
    else:
        out = place / "in" / "out"
        assert [path.name for path in (place / "in").iterdir()] == ["out"]
        for path in out.rglob("*"):
            mode = path.lstat().st_mode
            assert stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and path.stat().st_nlink == 1)
        assert packed(out) == data
        assert (place / "canary").read_bytes() == b"canary"


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("model.joblib", True), ("variables/variables.data-00000-of-00001", True), ("a/b/c", True), ("_a", True),
        ("", False), ("/a", False), ("a/", False), ("..", False), ("a/..", False), (".a", False), ("a\0", False),
        ("a" * 100, True), ("a" * 101, False), (f"{'a' * 100}/{'b' * 100}/{'c' * 100}", False), ("é", False),
        (f"{'d' * 90}/{'e' * 90}/{'f' * 70}", False), (f"{'d' * 60}/{'e' * 90}/{'f' * 90}", True),
    ],
)  # fmt: skip
def test_member_names(name: str, fits: bool) -> None:
    assert is_member_name(name) is fits
