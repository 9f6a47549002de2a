"""From a table of the control plane to workers that answer by it: fetched, proved, written, whatever goes wrong."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial

from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, table_on_disk, until, worker_pids
from headgate.testing.node.plane import table

MakeNode = Callable[..., Node]


def test_a_version_that_cannot_load_fails_alone(node: Node) -> None:
    good, broken = node.plane.bundle("good"), node.plane.bundle("broken")
    node.start()
    node.plane.publish(table("a", 1, good, "m:1"))
    until(lambda: node.has("a", 1), "the first version")

    node.plane.publish(table("a", 2, broken, "m:2"), table("b", 1, good))

    until(lambda: node.has("b", 1) and "a" in node.report.failures, "the other endpoint, and the failure")
    failure = node.report.failures["a"]
    assert (failure.epoch, failure.generation, failure.version, failure.reason) == (1, 2, "m:2", "row 0 differs")
    assert table_on_disk(node.home, "a").generation == 1
    assert node.has("a", 1)
    # the next table is another chance
    node.plane.publish(table("a", 3, good, "m:1"))
    until(lambda: node.has("a", 3) and node.report.failures == {}, "the table after it")


def test_a_model_that_never_loads_fails_at_the_deadline(make_node: MakeNode) -> None:
    node = make_node(load_seconds=0.5).start()
    node.plane.publish(table("a", 1, node.plane.bundle("hanging")))
    until(lambda: "within 0.5 s" in node.report.failures["a"].reason, "the failure")
    until(lambda: len(node.pids("--runtime")) == 1, "nobody but the template")


def test_slow_bundles_and_slow_models_hold_up_nobody_else(node: Node) -> None:
    far, slow, good = node.plane.bundle("far"), node.plane.bundle("slow"), node.plane.bundle("good")
    delay = node.plane.folder / f"{far}.delay"
    delay.write_text("3")
    node.start()
    node.plane.publish(table("far", 1, far), table("slow", 1, slow), table("good", 1, good))

    until(lambda: node.has("good", 1), "the quick one")
    assert not (node.home.routes / "far.json").exists()
    until(lambda: node.has("slow", 1), "the slow model")
    assert not (node.home.routes / "far.json").exists()
    until(lambda: node.has("far", 1), "the slow download")


def test_a_fetch_that_fails_is_tried_again(node: Node) -> None:
    digest = node.plane.bundle("good")
    (node.plane.folder / f"{digest}.failures").write_text("2")
    node.start()
    node.plane.publish(table("e", 1, digest))

    until(lambda: "the store is broken" in node.report.failures["e"].reason, "the reason")
    until(lambda: node.has("e", 1) and node.report.failures == {}, "the endpoint")
    assert node.plane.fetches(digest) == 3


def test_the_cache_keeps_what_serves_and_what_going_back_needs_however_little_room_there_is(
    make_node: MakeNode,
) -> None:
    node = make_node(cache_bytes=0, cache_days=0).start()
    bundles = [node.plane.bundle(name) for name in ("first", "second", "third")]
    for generation, digest in enumerate(bundles, 1):
        node.plane.publish(table("e", generation, digest))
        until(lambda generation=generation: node.has("e", generation), "the version")  # type: ignore[misc]  # bound
    until(lambda: {path.name for path in node.home.cache.iterdir()} == set(bundles[1:]), "the first to leave")
    node.kill()
    node.start()
    until(lambda: node.report.workers, "the node again")
    node.plane.publish(table("e", 4, bundles[1]))
    until(lambda: node.has("e", 4), "the way back")
    assert node.plane.fetches(bundles[1]) == 1
    node.plane.publish(table("e", 5, bundles[0]))
    until(lambda: node.has("e", 5), "the very first again")
    assert node.plane.fetches(bundles[0]) == 2


def test_a_bundle_is_fetched_once_however_many_endpoints_want_it(node: Node) -> None:
    digest = node.plane.bundle("good")
    (node.plane.folder / f"{digest}.delay").write_text("0.3")
    node.start()
    node.plane.publish(*(table(f"e{number}", 1, digest) for number in range(5)))

    until(lambda: all(node.has(f"e{number}", 1) for number in range(5)), "all endpoints")
    assert node.plane.fetches(digest) == 1


def test_wrong_bytes_never_get_into_the_cache(node: Node) -> None:
    good, other = node.plane.bundle("good"), node.plane.bundle("other")
    bundles = node.plane.folder / "bundles"
    right = (bundles / f"{good}.hgb").read_bytes()
    (bundles / f"{good}.hgb").write_bytes((bundles / f"{other}.hgb").read_bytes())
    node.start()
    node.plane.publish(table("e", 1, good))

    until(lambda: f"Expected bundle {good}" in node.report.failures["e"].reason, "the refusal")
    assert [path for path in node.home.cache.iterdir() if not path.name.startswith(".")] == []
    (bundles / f"{good}.hgb").write_bytes(right)
    until(lambda: node.has("e", 1), "the right bytes")
    (bundles / f"{other}.hgb").write_bytes(right[: len(right) // 2])
    node.plane.publish(table("f", 1, other))
    until(lambda: "f" in node.report.failures, "the truncated one")
    assert not (node.home.cache / other).exists()


def test_a_damaged_cache_is_repaired_after_a_restart(node: Node) -> None:
    digest = node.plane.bundle("good")
    node.start()
    node.plane.publish(table("e", 1, digest))
    until(lambda: node.has("e", 1), "the endpoint")
    assert node.stop() == 0
    file = node.home.cache / digest / "model.txt"
    file.write_text("bad!")

    node.start()

    until(lambda: file.read_text() == "good", "the right bytes")


def test_the_newest_table_wins_while_an_older_one_is_on_its_way(node: Node) -> None:
    far, good = node.plane.bundle("far"), node.plane.bundle("good")
    (node.plane.folder / f"{far}.delay").write_text("1")
    node.start()
    node.plane.publish(table("e", 1, far, "m:1"))
    until(lambda: node.plane.fetches(far), "the first to be on its way")
    node.plane.publish(table("e", 2, good, "m:2"))

    until(lambda: node.has("e", 2), "the second")
    until(lambda: (node.home.cache / far).exists(), "the first to arrive")
    time.sleep(0.2)
    assert table_on_disk(node.home, "e").generation == 2


def test_rolling_back_needs_neither_network_nor_smoke_test(node: Node) -> None:
    old, new = node.plane.bundle("old"), node.plane.bundle("new")
    node.start()
    node.plane.publish(table("e", 1, old, "m:1"))
    until(lambda: node.has("e", 1), "the first version")
    node.plane.publish(table("e", 2, new, "m:2"))
    until(lambda: node.has("e", 2), "the second version")
    for archive in (node.plane.folder / "bundles").iterdir():
        archive.unlink()

    node.plane.publish(table("e", 3, old, "m:1"))

    until(lambda: node.has("e", 3), "the first version again")
    assert node.plane.fetches(old) == 1


def test_a_killed_host_is_replaced(make_node: MakeNode) -> None:
    node = make_node(workers=2)
    digest = node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("e", 1, digest, placement="host"))
    # as many as workers
    until(lambda: len(host_pids(node.home, digest)) == 2 and node.has("e", 1), "two hosts")
    victim = host_pids(node.home, digest)[0]
    sockets = set((node.home.run / "hosts" / digest[:16]).glob("*.sock"))

    os.kill(victim, signal.SIGKILL)

    until(lambda: {host.pid for host in node.report.hosts if host.ready} - {victim} and restarts(node), "its successor")
    until(lambda: len(host_pids(node.home, digest)) == 2 and victim not in host_pids(node.home, digest), "two hosts")
    # the socket of the dead one is gone: no worker knocks there
    left = set((node.home.run / "hosts" / digest[:16]).glob("*.sock"))
    assert len(left) == 2
    assert len(left & sockets) == 1
    assert node.report.failures == {}


def restarts(node: Node) -> int:
    return max(host.restarts for host in node.report.hosts)


def test_a_version_whose_hosts_keep_dying_is_reported_and_not_started_in_a_storm(node: Node) -> None:
    digest, good = node.plane.bundle("crashing"), node.plane.bundle("good")
    node.start()
    node.plane.publish(table("e", 1, digest, "m:1", placement="host"), table("g", 1, good))

    until(lambda: "5 starts in a minute" in node.report.failures["e"].reason, "the failure")
    assert node.report.failures["e"].version == "m:1"
    assert restarts(node) == 6, "the first, and five more"
    assert node.has("g", 1)


def test_hosts_leave_when_the_workers_have_taken_the_table_without_them(node: Node) -> None:
    old, new = node.plane.bundle("hosted-old"), node.plane.bundle("hosted-new")
    node.start()
    node.plane.publish(table("e", 1, old, placement="host"))
    until(lambda: node.has("e", 1), "the hosted version")
    worker = worker_pids(node.home)[0]

    # the worker cannot hear of the next table
    os.kill(worker, signal.SIGSTOP)
    node.plane.publish(table("e", 2, new, placement="host"))
    until(lambda: table_on_disk(node.home, "e").generation == 2, "the next table on disk")
    assert len(host_pids(node.home, old)) == 1
    os.kill(worker, signal.SIGCONT)

    until(lambda: node.has("e", 2) and host_pids(node.home, old) == [], "the older hosts to leave")
    assert len(host_pids(node.home, new)) == 1


def test_a_runtime_that_cannot_be_imported_is_named_and_tried_again(node: Node) -> None:
    digest = node.plane.bundle("good", runtime="missing")
    node.start()
    node.plane.publish(table("e", 1, digest))
    until(lambda: "No module named 'missing'" in node.report.failures["e"].reason, "the reason")


def test_a_framework_that_is_late_is_imported_once_more_before_anybody_hears_of_it(make_node: MakeNode) -> None:
    node = make_node(load_seconds=4.0)
    late, asleep = node.plane.bundle("good", runtime="late"), node.plane.bundle("good", runtime="asleep")
    node.start(HEADGATE_FORK_SECONDS="1")
    node.plane.publish(table("e", 1, late), table("h", 1, asleep, placement="host"))
    until(lambda: {"e", "h"} <= set(node.report.importing), "the importing")
    # an endpoint that has failed to its control plane goes back
    until(lambda: node.has("e", 1) or "e" in node.report.failures, "the second template")
    assert "e" not in node.report.failures

    until(lambda: "h" in node.report.failures, "the failure of what is late again")

    reason = node.report.failures["h"].reason
    assert reason.startswith("Expected the framework of runtime asleep to be imported within 4 s, it was not")
    assert "--load-seconds" in reason


def test_deployments_under_load_cost_no_request(make_node: MakeNode) -> None:
    node = make_node(workers=2)
    digests = [node.plane.bundle(f"good-{number}") for number in range(3)]
    node.start()
    with Load(node.port, clients=4) as load:
        for generation in range(1, 10):
            node.plane.publish(table("e", generation, digests[generation % 3], f"m:{generation}"))
            until(partial(node.has, "e", generation), "the next generation")
    assert load.failures == []


def test_stopping_while_a_model_loads_leaves_nothing(make_node: MakeNode) -> None:
    node = make_node(load_seconds=60.0).start()
    node.plane.publish(table("e", 1, node.plane.bundle("hanging")))
    node.plane.publish(table("f", 1, node.plane.bundle("hanging-hosted"), placement="host"))
    until(lambda: len(node.pids("--runtime")) == 3, "the template, a smoke test and a host that load")

    assert node.stop() == 0

    assert node.pids() == []
