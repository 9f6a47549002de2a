"""A whole instance that speaks TLS: command line, agent, deployment, predictions, a certificate that changes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import Authority
from tests.e2e.versions import ROWS, compiled

from headgate.client.client import Client
from headgate.errors import Unreachable
from headgate.testing.instance import Instance, kill, running_instance, until


def headgate(instance: Instance, *arguments: str) -> Any:
    ran = subprocess.run(
        [sys.executable, "-m", "headgate", "--output", "json", *arguments],
        env={**os.environ, "HEADGATE_HOME": str(instance.home.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_everything_goes_over_tls(tmp_path: Path) -> None:
    authority = Authority()
    # by the name that others know, not by the address that this machine uses
    certificate, key = authority.sign("gate.example").write(tmp_path)
    with running_instance(tmp_path / "home", tls_cert=certificate, tls_key=key) as instance:
        with instance.client() as client:
            client.register(compiled(tmp_path / "bundles", 1)[0])
            client.deploy("fraud:1", "fraud")
            assert client.predict("fraud", ROWS).model == "fraud:1"
        status = headgate(instance, "status")
        assert status["control"]["url"] == f"https://127.0.0.1:{instance.control_port}"
        assert status["data"]["url"] == f"https://127.0.0.1:{instance.port}"
        shown = headgate(instance, "endpoint", "show", "fraud")
        assert shown["url"].startswith(f"https://127.0.0.1:{instance.port}/")
        (tmp_path / "cert.pem").write_text("damaged")
        until(
            lambda: headgate(instance, "status")["workers"][0]["certificate_fault"],
            "the damage to be seen",
        )
        # a worker that starts now goes on with what was in force
        before = instance.worker_pids()
        kill(before[0])
        until(lambda: instance.is_ready() and not set(before) & set(instance.worker_pids()), "another worker")
        with instance.client() as client:
            assert client.predict("fraud", ROWS).model == "fraud:1"
        authority.sign("gate.example").write(tmp_path)
        until(lambda: not headgate(instance, "status")["workers"][0]["certificate_fault"], "the new certificate")
        kill(instance.control_pid)
        with instance.client() as client:
            assert client.predict("fraud", ROWS).model == "fraud:1"
        with (
            Client(instance.data_url, "key") as stranger,
            pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            stranger.status()


def test_up_refuses_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    for flags in (("--tls-cert", "cert.pem"), ("--tls-cert", "nowhere.pem"), ("--tls-key", "cert.pem")):
        ran = subprocess.run(
            [sys.executable, "-m", "headgate", "up", "--home", "home", *flags],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 1
        assert "tls_cert" in ran.stderr or "nowhere.pem" in ran.stderr
        assert "Traceback" not in ran.stderr
