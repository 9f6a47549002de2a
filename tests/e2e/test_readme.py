"""Every code block of the README, executed in order, in an empty folder, as a newcomer would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.client.local import free_ports

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(180)
def test_the_readme_does_what_it_says(tmp_path: Path) -> None:
    port, control_port = free_ports(2)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HEADGATE_PORT": str(port),
        "HEADGATE_CONTROL_PORT": str(control_port),
        "HEADGATE_GRPC_PORT": "0",
    }
    blocks = [(kind, text.replace(":8000/", f":{port}/")) for kind, text in BLOCK.findall(README.read_text())]
    runnable = [(kind, text) for kind, text in blocks if kind in ("python", "bash")]
    assert len(runnable) >= 5
    try:
        said = [run(kind, text, tmp_path, environment) for kind, text in runnable]
    finally:
        subprocess.run([sys.executable, "-m", "headgate", "down"], cwd=tmp_path, env=environment, check=False)
    assert '"model":"tumour:1"' in "".join(said)


def run(kind: str, text: str, folder: Path, environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", text] if kind == "python" else ["bash", "-euo", "pipefail", "-c", text]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, f"{text}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
