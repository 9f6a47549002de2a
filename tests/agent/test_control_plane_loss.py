"""The control plane dies, or cannot start; predictions go on, and so does a whole restart in that state."""

import os
import signal

import msgspec

from headgate.agent.status import node_status
from headgate.home import awaited_path
from headgate.records import AccessTable
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, table_on_disk, until, worker_pids
from headgate.testing.node.plane import table

REASON = "database disk image is malformed"


def test_a_killed_control_plane_is_started_again_and_nobody_notices(node: Node) -> None:
    digest = node.plane.bundle("good")
    node.start()
    node.plane.publish(table("e", 1, digest))
    until(lambda: node.has("e", 1), "the endpoint")
    killed = node.journal["control_pid"]
    workers = worker_pids(node.home)

    with Load(node.port) as load:
        os.kill(killed, signal.SIGKILL)
        until(lambda: node.journal["control_pid"] not in (None, killed), "another control plane")
        node.plane.publish(table("e", 2, digest))
        until(lambda: node.has("e", 2), "a table from it")

    assert load.failures == []
    assert worker_pids(node.home) == workers
    assert node.journal["control_trouble"] == ""


def test_one_that_cannot_start_is_tried_again_and_says_why(node: Node) -> None:
    digest = node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("e", 1, digest, placement="host"))
    until(lambda: node.has("e", 1), "the endpoint")
    refuse = node.plane.folder / "refuse"

    with Load(node.port) as load:
        refuse.write_text(REASON)
        os.kill(node.journal["control_pid"], signal.SIGKILL)
        until(lambda: node.journal["control_restarts"] >= 3, "some attempts")
        assert REASON in node.journal["control_trouble"]
        assert REASON in (node.home.logs / "control.log").read_text()
        assert REASON in node_status(node.home)["control"]["reason"]
        refuse.unlink()
        until(lambda: node.journal["control_trouble"] == "" and node.journal["link_trouble"] == "", "the link")

    assert load.failures == []


def test_a_whole_restart_without_a_control_plane_serves_what_is_on_disk(node: Node) -> None:
    inline, hosted = node.plane.bundle("good"), node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("e", 1, inline), table("h", 1, hosted, placement="host"))
    until(lambda: node.has("e", 1) and node.has("h", 1), "the endpoints")
    assert node.stop() == 0
    (node.plane.folder / "refuse").write_text(REASON)

    node.start()

    # ready means that every worker answers by every table on disk; see `Journal`
    assert table_on_disk(node.home, "e").generation == 1
    until(lambda: len(host_pids(node.home, hosted)) == 1, "the model host")
    with Load(node.port, clients=2) as load:
        until(lambda: load.answered > 20, "answers")
    assert load.failures == []


def test_a_node_without_tables_waits_for_all_of_the_first_ones(node: Node) -> None:
    good, hosted = node.plane.bundle("good"), node.plane.bundle("hosted")
    node.plane.publish(table("e", 1, good), table("h", 1, hosted, placement="host"), table("lost", 1, "0" * 64))
    refuse = node.plane.folder / "refuse"
    refuse.write_text(REASON)
    node.start()
    until(lambda: node.journal["control_restarts"] >= 1, "an attempt")
    assert awaited_path(node.home).exists()
    refuse.unlink()

    until(lambda: not awaited_path(node.home).exists(), "the first tables")

    assert {table_on_disk(node.home, name).generation for name in ("e", "h")} == {1}
    assert "lost" in node.journal["failures"]
    assert node.stop() == 0
    refuse.write_text(REASON)
    node.start()
    # it knows them now
    assert not awaited_path(node.home).exists()


def test_a_node_without_a_control_plane_of_its_own(node: Node) -> None:
    digest = node.plane.bundle("good", cache=node.home.cache)
    (node.home.routes / "e.json").write_bytes(msgspec.json.encode(table("e", 1, digest)))

    node.start(control=False)

    assert node.journal["control_pid"] is None
    assert not awaited_path(node.home).exists()
    assert node.pids("node.control") == []
    assert node_status(node.home)["endpoints"][0]["version"] == "m:1"


def test_an_endpoint_that_is_gone_is_forgotten(node: Node) -> None:
    digest = node.plane.bundle("good")
    node.start()
    node.plane.publish(table("e", 1, digest), table("f", 1, digest))
    until(lambda: node.has("e", 1) and node.has("f", 1), "two endpoints")

    node.plane.say(routes=(table("f", 1, digest),))

    until(lambda: all("e" not in each.generations for each in node.workers().values()), "one of them to go")
    assert not (node.home.routes / "e.json").exists()
    assert node.has("f", 1)


def test_a_control_plane_on_an_older_backup_takes_nothing_back(node: Node) -> None:
    old, new = node.plane.bundle("old"), node.plane.bundle("new")
    node.start()
    node.plane.say(access=AccessTable(epoch=2, number=5))
    node.plane.publish(table("e", 4, new, epoch=2), table("f", 1, new, epoch=2))
    until(lambda: node.has("e", 4) and node.has("f", 1), "the newer epoch")

    # it knows nothing of f, has an older e, an older access table, and one new endpoint
    node.plane.say(
        access=AccessTable(epoch=1, number=9), routes=(table("e", 9, old, epoch=1), table("g", 1, old, epoch=1))
    )

    until(lambda: node.has("g", 1), "what it has that is new")
    assert table_on_disk(node.home, "e").number == (2, 4)
    assert table_on_disk(node.home, "f").number == (2, 1)
    assert b'"number":5' in node.home.access.read_bytes()


def test_reports_say_who_lives_and_what_is_loaded(node: Node) -> None:
    digest = node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("h", 1, digest, placement="host"))
    until(lambda: node.has("h", 1), "the endpoint")

    report = node.report

    assert node.agent is not None
    assert (report.agent_pid, report.port) == (node.agent.pid, node.port)
    assert [(host.digest, host.pid, host.ready) for host in report.hosts] == [
        (digest, host_pids(node.home, digest)[0], True)
    ]
    assert [each.pid for each in report.workers] == worker_pids(node.home)
    assert report.failures == {}
