"""Two dead workers move a version; one does not, and nothing moves the others."""

from pathlib import Path

from headgate.agent.crashes import KEPT, Crashes
from headgate.home import Home
from headgate.records import Variant
from headgate.testing.node.plane import table

BAD, GOOD = "b" * 64, "c" * 64


def variant(digest: str) -> Variant:
    return Variant(version=f"{digest[0]}:1", digest=digest, placement="inline")


def test_the_second_dead_worker_moves_the_version(tmp_path: Path) -> None:
    crashes = Crashes(Home(tmp_path).create())
    assert not crashes.worker_ended([variant(BAD), variant(GOOD)])
    assert crashes.place(table("e", 1, BAD)) == table("e", 1, BAD)
    assert crashes.worker_ended([variant(BAD)])
    assert crashes.place(table("e", 1, BAD)) == table("e", 1, BAD, placement="host")
    assert crashes.place(table("e", 1, GOOD)) == table("e", 1, GOOD)
    assert not crashes.worker_ended([variant(BAD)]), "it has moved already"


def test_hosts_that_end_move_nothing_and_all_counts_are_remembered(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    crashes = Crashes(home)
    for _ in range(3):
        crashes.host_ended(variant(BAD))
    crashes.worker_ended([variant(BAD)])
    again = Crashes(home)
    assert [(count.version, count.workers, count.hosts) for count in again.counts()] == [("b:1", 1, 3)]
    assert again.place(table("e", 1, BAD)) == table("e", 1, BAD)
    assert again.worker_ended([variant(BAD)])


def test_the_counts_are_bounded(tmp_path: Path) -> None:
    crashes = Crashes(Home(tmp_path).create())
    crashes._counts = {str(number): crashes._of(variant(BAD)) for number in range(KEPT)}
    crashes.host_ended(variant(GOOD))
    assert len(crashes.counts()) == KEPT and crashes.counts()[-1].digest == GOOD
