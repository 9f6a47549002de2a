"""What an agent finds when it starts: a taken port, another agent, the rubbish of a crash."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import headgate.settings
from headgate.agent import orphans
from headgate.client.local import free_ports
from headgate.home import Home
from headgate.processes import is_alive
from headgate.records import AccessTable
from headgate.settings import Settings, grpc_status
from headgate.testing.node.load import Load
from headgate.testing.node.node import Node, until, worker_pids
from headgate.testing.node.plane import table

MakeNode = Callable[..., Node]


def said(node: Node) -> str:
    """What the agent wrote on its stderr."""
    return (node.home.path.parent / "agent.out").read_text()


@pytest.mark.parametrize("shares", [False, True], ids=["plain", "SO_REUSEPORT"])
def test_a_port_that_another_process_has_is_refused(make_node: MakeNode, shares: bool) -> None:
    with socket.socket() as foreign:
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shares))
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        port = foreign.getsockname()[1]
        node = make_node(port=port)

        assert node.launch().wait(20) == 1

    assert f"Expected to listen on 127.0.0.1 port {port}, got: Address already in use" in said(node)
    assert node.pids() == []


def test_a_control_port_that_another_process_has_is_refused(make_node: MakeNode) -> None:
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        port = foreign.getsockname()[1]
        node = make_node(control_port=port)

        assert node.launch().wait(20) == 1

        assert f"Expected to listen on 127.0.0.1 port {port}, got: Address already in use" in said(node)
        assert "--control-port" in said(node)
        assert node.pids() == []
        # nobody asks for it where no control plane is wanted
        node.start(control=False)


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_for_grpc_that_another_process_has_is_refused(make_node: MakeNode, shares: bool) -> None:
    with socket.socket() as foreign:
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shares))
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        node = make_node(grpc_port=foreign.getsockname()[1])

        assert node.launch().wait(20) == 1

    assert "--grpc-port" in said(node)
    assert node.pids() == []


def test_the_port_for_grpc_is_kept_and_taken_over(make_node: MakeNode) -> None:
    (port,) = free_ports(1)
    node = make_node(grpc_port=port).start()
    assert node.journal["grpc_port"] == port
    # the fakes do not listen there: what keeps others out is the agent
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    node.kill()

    assert node.start().journal["grpc_port"] == port


def test_without_grpcio_there_is_no_port_for_grpc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(orphans, "has_grpc", lambda: False)
    monkeypatch.setattr(headgate.settings, "has_grpc", lambda: False)
    settings, kept = orphans.reserve_grpc(Home(tmp_path), Settings(grpc_port=free_ports(1)[0]), [])
    assert (settings.grpc_port, kept) == (0, None)
    assert "pip install" in grpc_status(settings.grpc_port)["reason"]


def test_grpc_on_loopback_only_without_keys(make_node: MakeNode) -> None:
    node = make_node(host="0.0.0.0", grpc_port=free_ports(1)[0])

    assert node.launch().wait(20) == 1

    assert "--require-keys" in said(node)


def test_both_planes_cannot_have_one_port(make_node: MakeNode) -> None:
    port = free_ports(1)[0]
    node = make_node(port=port, control_port=port)

    assert node.launch().wait(20) == 1

    assert "--control-port" in said(node)


def test_a_port_that_an_orphaned_control_plane_has_is_taken_over(make_node: MakeNode) -> None:
    node = make_node(fakes="worker,template", control_port=free_ports(1)[0]).start()
    orphan = until(lambda: json.loads((node.home.run / "control.json").read_bytes())["pid"], "the control plane")
    node.kill()

    node.start()

    until(lambda: json.loads((node.home.run / "control.json").read_bytes())["pid"] != orphan, "its successor")
    assert not is_alive(orphan)


def test_a_second_agent_is_refused_with_the_pid_of_the_first(node: Node) -> None:
    node.start()
    first = node.agent
    assert first is not None

    assert node.launch().wait(20) == 1

    assert f"pid {first.pid}" in said(node)
    assert node.journal["pid"] == first.pid
    node.agent = first
    assert node.stop() == 0


def test_nothing_listens_beyond_loopback_without_authentication(make_node: MakeNode) -> None:
    node = make_node(host="0.0.0.0")

    assert node.launch().wait(20) == 1

    assert "--require-keys and TLS" in said(node)


def test_a_socket_passed_from_above_is_used(node: Node) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        # what systemd does: the socket is descriptor 3
        program = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True); "
            "os.execv(sys.executable, [sys.executable, '-m', *sys.argv[2:]])"
        )
        settings = msgspec.json.encode(msgspec.structs.replace(node.settings, port=1)).decode()
        command = ("headgate.testing.node.agent", "--home", str(node.home.path))
        with (node.home.path.parent / "agent.out").open("ab") as output:
            node.agent = subprocess.Popen(
                [sys.executable, "-c", program, str(listener.fileno()), *command],
                pass_fds=(listener.fileno(),),
                stdout=output,
                stderr=output,
                env={**os.environ, "LISTEN_FDS": "1", "HEADGATE_SETTINGS": settings},
            )
        until(lambda: node.journal["ready"], "a ready agent")

    assert node.port == port
    with Load(port, clients=1) as load:
        until(lambda: load.answered, "an answer")
    # not passed on: a worker must not think that it was given sockets too
    for pid in worker_pids(node.home):
        assert b"LISTEN_FDS" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_rubbish_in_run_and_tables_does_not_matter(node: Node) -> None:
    run = node.home.run
    # a pid that passed to somebody else, a file that was half written, nobody
    (run / "w0-dead.json").write_text(json.dumps({"worker": "w0-dead", "pid": os.getpid(), "socket": "", "started": 1}))
    (run / "w1-half.json").write_text('{"worker": "w1-ha')
    (run / "w1-half.sock").touch()
    (run / "control.json").write_text(json.dumps({"pid": os.getpid()}))
    (run / "agent.json").write_text('{"pid":')
    hosts = run / "hosts" / ("a" * 16)
    hosts.mkdir(parents=True)
    note = {"pid": os.getpid(), "digest": "a" * 64, "form": "native", "socket": str(hosts / "x.sock")}
    (hosts / f"{os.getpid()}.json").write_text(json.dumps(note))
    (hosts / "1.json").write_text("{")
    (hosts / "x.sock").touch()
    (node.home.routes / "broken.json").write_text('{"endpoint": "bro')
    node.home.access.write_text("")
    (node.home.cache / ".incoming-left").mkdir()

    node.start()

    assert sorted(path.stem for path in run.glob("w*.json")) == [each.stem for each in run.glob("w*.sock")]
    assert list(hosts.iterdir()) == []
    assert list(node.home.cache.iterdir()) == []
    digest = node.plane.bundle("good")
    node.plane.say(access=AccessTable(epoch=1, number=7))
    node.plane.publish(table("broken", 1, digest))
    until(lambda: node.has("broken", 1), "a whole table")
    assert json.loads(node.home.access.read_bytes())["number"] == 7


def test_a_home_deeper_than_a_socket_address(make_node: MakeNode, tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["a-folder-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    node = make_node(deep)
    assert len(os.fsencode(node.home.run)) > 107
    digest = node.plane.bundle("hosted")

    node.start()
    node.plane.publish(table("e", 1, digest, placement="host"))
    until(lambda: node.has("e", 1), "a hosted version")
    orphan = worker_pids(node.home)[0]
    node.kill()
    port = node.port
    node.start()

    assert node.port == port
    until(lambda: orphan not in node.pids("--worker"), "the orphan to leave")


def test_everything_below_the_home_is_private(node: Node) -> None:
    digest = node.plane.bundle("hosted")
    node.start()
    node.plane.publish(table("e", 1, digest, placement="host"))
    until(lambda: node.has("e", 1), "a hosted version")
    open_to_others = [
        path
        for path in node.home.path.rglob("*")
        if path.lstat().st_mode & 0o077 and not path.is_socket() and path.is_file()
    ]
    assert open_to_others == []
    assert node.home.run.stat().st_mode & 0o077 == 0
