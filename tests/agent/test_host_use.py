"""Whose hosts may leave: those of no table that anybody answers by."""

from headgate.agent.usage import HostUse
from headgate.records import WorkerReport
from headgate.testing.node.plane import table

OLD, NEW = "a" * 64, "b" * 64


def report(**generations: tuple[int, int]) -> WorkerReport:
    return WorkerReport(worker="w", pid=1, ready=True, generations=generations)


def test_hosts_of_an_older_table_stay_while_one_worker_answers_by_it() -> None:
    use = HostUse()
    first, second = table("e", 1, OLD, placement="host"), table("e", 2, NEW, placement="host")
    use.learn(first)
    use.learn(second)
    assert use.needed([second], [report(e=(1, 1)), report(e=(1, 2))]) == {OLD, NEW}
    assert use.needed([second], [report(e=(1, 2)), report(e=(1, 2))]) == {NEW}


def test_a_table_on_disk_needs_its_hosts_before_any_worker_has_it() -> None:
    use = HostUse()
    use.learn(table("e", 1, OLD, placement="host"))
    assert use.needed([table("e", 1, OLD, placement="host")], [report()]) == {OLD}


def test_a_removed_endpoint_keeps_its_hosts_until_nobody_has_it() -> None:
    use = HostUse()
    use.learn(table("e", 1, OLD, placement="host"))
    assert use.needed([], [report(e=(1, 1))]) == {OLD}
    assert use.needed([], [report()]) == set()


def test_nothing_is_known_of_one_that_is_silent_or_from_before() -> None:
    use = HostUse()
    use.learn(table("e", 2, NEW, placement="host"))
    newest = [table("e", 2, NEW, placement="host")]
    assert use.needed(newest, [None]) is None
    # an orphan that answers by a table of a killed agent
    assert use.needed(newest, [report(e=(1, 1))]) is None


def test_inline_variants_need_no_hosts() -> None:
    use = HostUse()
    use.learn(table("e", 1, OLD))
    assert use.needed([table("e", 1, OLD)], [report(e=(1, 1))]) == set()
