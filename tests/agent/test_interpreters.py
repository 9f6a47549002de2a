"""A bundle whose environment has an interpreter of its own runs in it; the others run in the agent's."""

import sys
from pathlib import Path

import pytest

from headgate.agent.interpreters import interpreter_of
from headgate.errors import EnvironmentMismatch
from headgate.home import Home
from headgate.testing.node.node import Node, host_pids, until
from headgate.testing.node.plane import table


def environment_of(pid: int) -> set[bytes]:
    return set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))


def test_a_bundle_runs_in_the_interpreter_of_its_environment(node: Node, tmp_path: Path) -> None:
    own, other = node.plane.bundle("own"), node.plane.bundle("other")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nENVIRONMENT_OF=own exec {sys.executable} "$@"\n')
    python.chmod(0o700)
    (node.home.cache / f"{own}.python").write_text(f"{python}\n")
    node.start()
    node.plane.publish(table("own", 1, own, placement="host"), table("other", 1, other, placement="host"))
    until(lambda: node.has("own", 1) and node.has("other", 1), "both")
    [mine], [theirs] = host_pids(node.home, own), host_pids(node.home, other)
    assert b"ENVIRONMENT_OF=own" in environment_of(mine)
    assert b"ENVIRONMENT_OF=own" not in environment_of(theirs)

    # a new agent finds hosts of whatever interpreter
    node.kill()
    node.start()
    until(lambda: {host.pid for host in node.report.hosts} == {mine, theirs}, "both adopted")
    assert node.stop() == 0 and node.pids() == []


@pytest.mark.parametrize("named", ["", "python", "/no/such/python", "/etc/passwd", "/tmp"])
def test_what_is_no_interpreter_is_refused_with_the_next_step(tmp_path: Path, named: str) -> None:
    home = Home(tmp_path).create()
    assert interpreter_of(home, "a" * 64) == ""
    (home.cache / f"{'a' * 64}.python").write_text(named)
    with pytest.raises(EnvironmentMismatch, match="Build the environment"):
        interpreter_of(home, "a" * 64)
