"""An environment of its own for each client of another system, made once with uv and kept outside of the repository.

`HEADGATE_CLIENT_ENVIRONMENTS` names the folder; default: `headgate-clients` in the user's cache.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.exclusive import exclusive

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
DOCUMENT = ROOT / "docs" / "clients.md"
INSTALL_SECONDS = 300
READY = ".requirements"


def environment(name: str, *packages: str) -> Path:
    """The folder of the programs of an environment with these packages; skips the test with the installer's reason."""
    named = os.environ.get("HEADGATE_CLIENT_ENVIRONMENTS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = (Path(named) if named else cache / "headgate-clients") / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    wanted = "\n".join((sys.executable, *packages))
    with exclusive(folder.with_suffix(".lock")):
        note = folder / READY
        if not note.is_file() or note.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, packages)
            note.write_text(wanted)
    return folder / "bin"


def run(command: list[str | Path], text: str = "") -> str:
    """What a client writes; fails with all that it said where it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def example(section: str, language: str = "python") -> str:
    """The first block of code in a section of the document of clients."""
    _, _, after = DOCUMENT.read_text().partition(f"\n## {section}\n")
    found = re.search(rf"```{language}\n(.*?)```", after.partition("\n## ")[0], re.DOTALL)
    assert found, f"{DOCUMENT} has no {language} example under {section!r}"
    return found[1]


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    if not Path(uv).exists():
        pytest.skip("uv is not here, which makes environments for the clients")
    # nothing else in the suite may ask an index
    online = {name: value for name, value in os.environ.items() if name not in ("UV_OFFLINE", "UV_CACHE_DIR")}
    for command in (
        [uv, "venv", "-q", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *packages],
    ):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, env=online
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{' '.join(packages)} did not install within {INSTALL_SECONDS} s")
        if done.returncode:
            pytest.skip(f"{' '.join(packages)} did not install: {done.stderr.strip()[-300:]}")
