"""The agent is killed; what it started goes on, and the next agent takes everything over."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec

from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, host_pids, until, worker_pids
from headgate.testing.node.plane import table

MakeNode = Callable[..., Node]


def listening_inodes(pid: int, port: int) -> set[str]:
    """The sockets of a process that listen on the port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    links = [
        str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.exists() or entry.is_symlink()
    ]
    return {link[8:-1] for link in links if link.startswith("socket:[")} & listening


def test_a_new_agent_takes_the_socket_over_and_drains_the_orphans(make_node: MakeNode) -> None:
    node = make_node(workers=2)
    digest = node.plane.bundle("good")
    node.start()
    node.plane.publish(table("e", 1, digest))
    until(lambda: node.has("e", 1) and len(node.workers()) == 2, "two workers")
    port, orphans = node.port, worker_pids(node.home)
    sockets = listening_inodes(orphans[0], port)

    with Load(port) as load:
        node.kill()
        answered = load.answered
        until(lambda: load.answered > answered + 200, "answers without an agent")
        node.start()
        until(lambda: not set(worker_pids(node.home)) & set(orphans), "the orphans to leave")

    assert load.failures == []
    assert node.port == port
    fresh = worker_pids(node.home)
    assert len(fresh) == 2
    assert len(sockets) == 1
    assert [listening_inodes(pid, port) for pid in fresh] == [sockets, sockets]
    assert not set(node.pids("--worker")) & set(orphans)


def test_orphans_go_on_until_the_new_workers_have_all_tables(node: Node) -> None:
    digest = node.plane.bundle("good")
    node.start()
    node.plane.publish(table("e", 1, digest, "m:1-slow"))
    until(lambda: node.has("e", 1), "the slow version")
    orphan = worker_pids(node.home)[0]
    node.kill()

    node.launch()
    # the new worker is there, and loads for a second
    until(lambda: len(worker_pids(node.home)) == 2, "a second worker")
    fresh = next(pid for pid in worker_pids(node.home) if pid != orphan)
    until(lambda: orphan not in node.pids("--worker"), "the orphan to leave")

    # it was not told to leave before the other could do its work
    assert {each.pid: each.generations for each in node.report.workers}[fresh] == {"e": (1, 1)}


def test_model_hosts_are_adopted(node: Node) -> None:
    digest = node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("e", 1, digest, placement="host"))
    until(lambda: node.has("e", 1), "the hosted version")
    hosts = host_pids(node.home, digest)
    node.kill()

    node.start()
    until(lambda: [host.pid for host in node.report.hosts if host.ready] == hosts, "the adopted host")
    # an adopted host that dies is replaced like any other
    os.kill(hosts[0], signal.SIGKILL)
    until(lambda: [host.pid for host in node.report.hosts if host.ready] not in ([], hosts), "its replacement")
    assert host_pids(node.home, digest) == [host.pid for host in node.report.hosts]


def test_hosts_of_an_older_table_leave_with_the_orphans(node: Node) -> None:
    old, new = node.plane.bundle("hosted-old"), node.plane.bundle("hosted-new")
    node.start()
    node.plane.publish(table("e", 1, old, placement="host"))
    until(lambda: node.has("e", 1), "the hosted version")
    node.kill()
    node.plane.publish(table("e", 2, new, placement="host"))

    node.start()
    until(lambda: node.has("e", 2), "the newer version")
    until(lambda: host_pids(node.home, old) == [], "the older hosts to leave")
    assert len(host_pids(node.home, new)) == 1


def test_an_orphaned_control_plane_leaves_before_another_starts(node: Node) -> None:
    node.start()
    orphan = node.journal["control_pid"]
    node.kill()

    node.start()

    assert node.pids("node.control") == [node.journal["control_pid"]]
    assert node.journal["control_pid"] != orphan


def test_orphaned_templates_leave(node: Node) -> None:
    digest = node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("e", 1, digest, placement="host"))
    until(lambda: node.has("e", 1), "the hosted version")
    node.kill()
    node.start()
    until(lambda: node.report.hosts and node.report.hosts[0].ready, "the adopted host")

    # the adopted host bears its dead template's command line; no other process does
    assert node.pids("--runtime") == host_pids(node.home, digest)


def test_hung_orphans_are_killed_and_the_port_is_bound_anew(make_node: MakeNode) -> None:
    node = make_node().start()
    orphans = worker_pids(node.home)
    node.kill()
    for pid in orphans:
        os.kill(pid, signal.SIGSTOP)

    node.start()

    assert not set(node.pids("--worker")) & set(orphans)
    with Load(node.port, clients=1) as load:
        until(lambda: load.answered, "an answer")


def test_workers_that_had_not_written_a_pid_file_are_found(node: Node) -> None:
    node.launch()
    first = until(lambda: node.pids("--worker"), "a worker that starts")
    node.kill()

    node.start()
    until(lambda: not set(node.pids("--worker")) & set(first), "the young orphan to leave")


def test_agents_killed_again_and_again_lose_no_request(make_node: MakeNode) -> None:
    node = make_node(workers=2).start()
    with Load(node.port, clients=6) as load:
        for _ in range(3):
            node.kill()
            node.start()
    until(lambda: len(node.pids("--worker")) == 2, "all orphans to leave")
    assert load.failures == []


def test_a_worker_count_that_shrank_is_kept(make_node: MakeNode) -> None:
    node = make_node(workers=3).start()
    node.kill()
    node.settings = msgspec.structs.replace(node.settings, workers=1)

    node.start()

    until(lambda: len(node.pids("--worker")) == 1, "one worker")
