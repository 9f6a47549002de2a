"""Whose hosts may leave: those of no table that anybody answers by."""

from headgate.agent.usage import GRACE_SECONDS, HostUse
from headgate.records import WorkerReport
from headgate.testing.node.plane import table

OLD, NEW = "a" * 64, "b" * 64


def report(drains: tuple[str, ...] = (), **generations: tuple[int, int]) -> WorkerReport:
    return WorkerReport(worker="w", pid=1, ready=True, generations=generations, drains=drains)


def test_hosts_of_an_older_table_stay_while_one_worker_answers_by_it() -> None:
    use = HostUse()
    first, second = table("e", 1, OLD, placement="host"), table("e", 2, NEW, placement="host")
    use.learn(first)
    use.learn(second)
    assert use.needed([second], [report(e=(1, 1)), report(e=(1, 2))], 0.0) == {OLD, NEW}
    assert use.needed([second], [report(e=(1, 2)), report(e=(1, 2))], 0.0) == {NEW}


def test_a_table_on_disk_needs_its_hosts_before_any_worker_has_it() -> None:
    use = HostUse()
    use.learn(table("e", 1, OLD, placement="host"))
    assert use.needed([table("e", 1, OLD, placement="host")], [report()], 0.0) == {OLD}


def test_a_removed_endpoint_keeps_its_hosts_until_nobody_has_it() -> None:
    use = HostUse()
    use.learn(table("e", 1, OLD, placement="host"))
    assert use.needed([], [report(e=(1, 1))], 0.0) == {OLD}
    assert use.needed([], [report()], 0.0) == set()


def test_nothing_is_known_of_one_that_is_silent_or_from_before() -> None:
    use = HostUse()
    use.learn(table("e", 2, NEW, placement="host"))
    newest = [table("e", 2, NEW, placement="host")]
    assert use.needed(newest, [None], 0.0) is None
    # an orphan that answers by a table of a killed agent
    assert use.needed(newest, [report(e=(1, 1))], 0.0) is None


def test_hosts_stay_while_a_worker_drains_them_but_not_for_ever() -> None:
    use = HostUse()
    first, second = table("e", 1, OLD, placement="host"), table("e", 2, NEW, placement="host")
    use.learn(first)
    use.learn(second)
    draining, drained = report((OLD,), e=(1, 2)), report(e=(1, 2))
    assert use.needed([second], [draining, drained], 100.0) == {OLD, NEW}
    # whatever was let in has its answer, or has passed its deadline
    longest = first.spec.limits.timeout_ms / 1000 + GRACE_SECONDS
    assert use.needed([second], [draining], 100.0 + longest) == {OLD, NEW}
    assert use.needed([second], [draining], 101.0 + longest) == {NEW}
    assert use.needed([second], [drained], 102.0 + longest) == {NEW}
    # another drain has its own time
    assert use.needed([second], [draining], 103.0 + longest) == {OLD, NEW}


def test_a_drain_that_an_earlier_agent_began_counts() -> None:
    use = HostUse()
    second = table("e", 2, NEW, placement="host")
    use.learn(second)
    assert use.needed([second], [report((OLD,), e=(1, 2))], 0.0) == {OLD, NEW}


def test_inline_variants_need_no_hosts() -> None:
    use = HostUse()
    use.learn(table("e", 1, OLD))
    assert use.needed([table("e", 1, OLD)], [report(e=(1, 1))], 0.0) == set()
