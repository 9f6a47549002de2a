"""Two dead workers move a version; one does not, and nothing moves the others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headgate.agent.crashes import KEPT, Crashes
from headgate.agent.deployments import Deployments
from headgate.agent.tables import Tables
from headgate.crashes import crashes_path
from headgate.home import Home
from headgate.records import AccessTable, NodeTables, Variant
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


def test_what_answers_moves_though_a_table_after_it_is_on_its_way(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    tables, crashes = Tables(home), Crashes(home)
    fetched = {BAD}
    deployments = deployments_over(tables, crashes, fetched)
    answer = NodeTables(cursor=1, routes=(table("e", 2, GOOD),), access=AccessTable(epoch=1, number=1))
    tables.write(table("e", 1, BAD))
    deployments.take(answer)
    for _ in range(2):
        moves = crashes.worker_ended([variant(BAD)])
    assert moves
    deployments.move()
    assert tables.routes["e"] == table("e", 1, BAD, placement="host")
    fetched.add(GOOD)
    deployments.take(answer)
    assert tables.routes["e"] == table("e", 2, GOOD)


def deployments_over(tables: Tables, crashes: Crashes, fetched: set[str]) -> Deployments:
    """Only those bundles come; nothing stands against any version."""

    class Bundles:
        def ensure(self, digest: str, done: Callable[[None], None]) -> None:
            if digest in fetched:
                done(None)

    class Ready:
        """Environments, trust and hosts."""

        def ensure(self, variant: Variant, done: Callable[[None], None]) -> None:
            done(None)

        def prove(self, variant: Variant, done: Callable[[None], None]) -> None:
            done(None)

        def take(self, signers: object) -> None: ...

        def refusal(self, digest: str) -> None: ...

    given: Any = (None, tables, Bundles(), Ready(), Ready(), Ready(), crashes.place, lambda: None)
    return Deployments(*given)


def test_what_was_moved_comes_back_when_the_counts_are_taken_away(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    tables, crashes = Tables(home), Crashes(home)
    crashes.worker_ended([variant(BAD)])
    crashes.worker_ended([variant(BAD)])
    tables.write(crashes.place(table("e", 1, BAD)))
    answer = NodeTables(cursor=1, routes=(table("e", 1, BAD),), access=AccessTable(epoch=1, number=1))
    deployments_over(Tables(home), Crashes(home), {BAD}).take(answer)
    assert Tables(home).routes["e"] == table("e", 1, BAD, placement="host")

    crashes_path(home).unlink()
    deployments_over(Tables(home), Crashes(home), {BAD}).take(answer)

    assert Tables(home).routes["e"] == table("e", 1, BAD)


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
