"""Tables are replaced by higher ones only, whole, and survive whatever lies beside them."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headgate.agent.tables import Tables
from headgate.errors import InvalidName
from headgate.home import Home
from headgate.records import AccessTable
from headgate.testing.node.plane import table

DIGEST = "d" * 64
numbers = some.tuples(some.integers(1, 3), some.integers(1, 5))


# every write is made durable, which takes as long as the disk takes
@settings(deadline=None, max_examples=25)
@given(some.lists(numbers, max_size=8))
def test_the_number_on_disk_never_falls(tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[int, int]]) -> None:
    home = Home(tmp_path_factory.mktemp("home")).create()
    tables = Tables(home)
    highest = (0, 0)
    for epoch, generation in sent:
        assert tables.write(table("e", generation, DIGEST, epoch=epoch)) is ((epoch, generation) > highest)
        assert tables.write_access(AccessTable(epoch=epoch, number=generation)) is ((epoch, generation) > highest)
        highest = max(highest, (epoch, generation))
        again = Tables(home)
        assert again.routes["e"].number == highest == tables.routes["e"].number
        assert again.epoch == highest[0]


def test_a_version_that_moved_is_written_under_the_same_number(tmp_path: Path) -> None:
    tables = Tables(Home(tmp_path).create())
    assert tables.write(table("e", 7, DIGEST, placement="inline"))
    moved = table("e", 7, DIGEST, placement="host")
    assert tables.write(moved) and not tables.write(moved)
    assert not tables.is_newer(table("e", 7, DIGEST, placement="inline")), (
        "what the control plane says again is no news"
    )


def test_what_going_back_needs_is_remembered_across_a_restart(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    tables = Tables(home)
    first, second, third = "1" * 64, "2" * 64, "3" * 64
    tables.write(table("e", 1, first))
    assert tables.previous_digests() == set()
    tables.write(table("e", 2, second))
    tables.write(table("other", 2, third))
    # another table of the same version is nothing to go back from
    tables.write(table("e", 3, second))
    assert tables.previous_digests() == Tables(home).previous_digests() == {first}
    tables.write(table("e", 4, third))
    assert Tables(home).previous_digests() == {second}
    tables.remove("e")
    assert Tables(home).previous_digests() == set()
    home.previous.write_bytes(b"not json")
    assert Tables(home).previous_digests() == set()


def test_what_was_removed_may_come_back_lower(tmp_path: Path) -> None:
    tables = Tables(Home(tmp_path).create())
    tables.write(table("e", 7, DIGEST))
    tables.remove("e")
    tables.remove("e")
    assert tables.routes == {}
    assert tables.write(table("e", 1, DIGEST))
    assert tables.digests() == {DIGEST}


@pytest.mark.parametrize("name", ["../e", "a/b", "", ".hidden", "e\x00"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    tables = Tables(Home(tmp_path).create())
    with pytest.raises(InvalidName):
        tables.write(table(name, 1, DIGEST))
    assert list(tmp_path.rglob("*.json")) == []


def test_tables_of_a_newer_release_are_read(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    newer = msgspec.to_builtins(table("e", 1, DIGEST)) | {"format": 2, "added": [1]}
    (home.routes / "e.json").write_bytes(msgspec.json.encode(newer))
    assert Tables(home).routes["e"].format == 2


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"\xff\xfe", b'{"endpoint": "e"}'])
def test_a_table_that_cannot_be_read_is_passed_over(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home(tmp_path).create()
    (home.routes / "e.json").write_bytes(content)
    home.access.write_bytes(content)
    tables = Tables(home)
    assert (tables.routes, tables.epoch) == ({}, 0)
    assert str(home.routes / "e.json") in caplog.text
    assert tables.write(table("e", 1, DIGEST))
