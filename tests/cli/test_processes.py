"""`up`, `down` and `status` where no control plane answers; nothing starts that should not."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Headgate

from headgate.cli.status import status_of_home
from headgate.client import local
from headgate.client.local import free_ports
from headgate.home import Home
from headgate.settings import setting_declarations
from headgate.testing.instance import until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("HEADGATE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path / ".headgate")


def test_every_setting_is_a_flag_of_up(headgate: Headgate) -> None:
    shown = headgate("up", "--help").out
    for setting in setting_declarations():
        assert f"--{setting['name'].replace('_', '-')}" in shown


@pytest.mark.parametrize("flags", [(), ("--require-keys",), ("--behind-proxy",)])
def test_up_beyond_loopback_is_refused_before_anything_starts(
    headgate: Headgate, home: Home, flags: tuple[str, ...]
) -> None:
    ran = headgate("up", "--host", "0.0.0.0", *flags)
    assert ran.code == 1
    assert "--require-keys and TLS" in ran.err
    assert not home.path.exists()


def test_up_becomes_the_agent_with_the_flags(headgate: Headgate, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[tuple[list[str], dict[str, str]]] = []

    def become(path: str, command: list[str], environment: dict[str, str]) -> None:
        became.append((command, environment))
        raise KeyboardInterrupt

    monkeypatch.setattr("os.execve", become)
    monkeypatch.setenv("HEADGATE_WORKERS", "3")
    headgate("up", "--port", "1234")
    command, environment = became[0]
    assert command == [sys.executable, "-m", "headgate.agent.main", "--home", str(home.path)]
    settings = json.loads(environment["HEADGATE_SETTINGS"])
    assert (settings["port"], settings["workers"]) == (1234, 3)


def test_a_wrong_setting_is_named(headgate: Headgate, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_WORKERS", "many")
    ran = headgate("up")
    assert ran.code == 1
    assert "workers" in ran.err


def test_status_of_a_dead_home_is_3(headgate: Headgate, home: Home) -> None:
    home.create()
    (home.run / "agent.json").write_text(json.dumps({"pid": 2**22 + 1, "port": 8000}))
    assert headgate("status").code == 3
    assert headgate("down").code == 3


def test_up_detached_answers_until_down(headgate: Headgate, home: Home) -> None:
    port, control_port = free_ports(2)
    command = [sys.executable, "-m", "headgate", "up", "--detach", "--output", "json"]
    flags = ["--port", str(port), "--control-port", str(control_port)]
    ran = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    try:
        assert ran.returncode == 0, ran.stderr
        begun = json.loads(ran.stdout)
        assert begun["data"]["url"] == f"http://127.0.0.1:{port}"
        assert headgate("up", "--detach").code == 1
        assert headgate("status", "--output", "json").json["workers"][0]["ready"] is True
        assert headgate("gate", "list", "-q").out.split()[0] == "not-retired"
        assert headgate("project", "environments", "-q").out.split() == ["production", "staging"]
        saved = home.path.with_name("saved.tar")
        assert headgate("backup", "--output", str(saved), "-q").out == f"{saved}\n"
        restored = headgate("restore", str(saved), "--home", str(home.path.with_name("new")), "--output", "json")
        assert restored.json["epoch"] == 2
        assert headgate("restore", str(saved), "--home", str(home.path)).code == 1
        os.kill(begun["agent"]["pid"], signal.SIGKILL)
        # at once, and when the control plane has noticed too
        check_without_agent(headgate, begun)
        with local.local_client(home) as client:
            until(lambda: client.status()["agent"] is None, "the control plane to notice")
        check_without_agent(headgate, begun)
        assert "not running; the rest goes on" in headgate("status").out
        os.kill(begun["control"]["pid"], signal.SIGSTOP)
        found = status_of_home(home)
        assert (found["workers"][0]["pid"], found["workers"][0]["ready"]) == (begun["workers"][0]["pid"], True)
        assert found["control"]["reason"]
    finally:
        resume(home)
        stopped = headgate("down", "--output", "json")
    assert stopped.code == 0, stopped.err
    assert begun["control"]["pid"] in stopped.json["stopped"]
    assert local.find_runners(home) == []
    assert headgate("status").code == 3


def test_up_on_a_taken_control_port_says_so_and_leaves_nothing_running(headgate: Headgate, home: Home) -> None:
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        taken = str(foreign.getsockname()[1])
        ran = headgate("up", "--detach", "--port", str(free_ports(1)[0]), "--control-port", taken)
    assert ran.code != 0
    assert f"port {taken}" in ran.err
    assert "--control-port" in ran.err
    assert local.find_runners(home) == []


def test_what_up_has_started_in_vain_is_not_in_the_way_of_the_next_try(headgate: Headgate, home: Home) -> None:
    port, control_port = (str(port) for port in free_ports(2))
    ran = headgate("up", "--detach", "--port", port, "--control-port", control_port, "--database", "mysql://x/y")
    assert ran.code == 1
    assert "begins with mysql://" in ran.err
    assert "expected postgresql://user@host/name" in ran.err
    assert ".." not in ran.err
    assert local.find_runners(home) == []


def test_upgrading_a_home_without_a_database_says_where_it_may_be(headgate: Headgate, home: Home) -> None:
    ran = headgate("upgrade")
    assert ran.code == 1
    assert f"headgate upgrade --home {home.path} --database URL" in ran.err


def check_without_agent(headgate: Headgate, begun: Any) -> None:
    found = headgate("status", "--output", "json").json
    assert found["agent"] is None
    assert [(each["pid"], each["ready"]) for each in found["workers"]] == [(begun["workers"][0]["pid"], True)]
    assert found["control"]["pid"] == begun["control"]["pid"]


def resume(home: Home) -> None:
    for runner in local.find_runners(home):
        os.kill(runner.pid, signal.SIGCONT)
