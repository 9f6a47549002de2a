"""A virtual environment for each peer, made once with uv and kept outside of the repository.

`HEADGATE_BENCH_ENVIRONMENTS` names the folder; default: `headgate-bench` in the user's cache.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender import NotAvailable

INSTALL_SECONDS = 900
SCIKIT_LEARN = "scikit-learn==1.9.1"
READY = ".requirements"


@dataclass(frozen=True)
class Environment:
    """What one peer needs installed."""

    packages: tuple[str, ...]
    # pytriton's embedded stub wants the distribution's own Python where there is one
    python: str = sys.executable


ENVIRONMENTS = {
    "bentoml": Environment(("bentoml", SCIKIT_LEARN, "onnxruntime")),
    # its workers end at once with a newer uvloop: "There is no current event loop"
    "mlserver": Environment(("mlserver", "mlserver-sklearn", "uvloop<0.22", SCIKIT_LEARN)),
    "litserve": Environment(("litserve", SCIKIT_LEARN, "joblib", "onnxruntime")),
    "ray": Environment(("ray[serve]", SCIKIT_LEARN, "onnxruntime")),
    "mlflow": Environment(("mlflow", SCIKIT_LEARN)),
    "kserve": Environment(("kserve", SCIKIT_LEARN, "onnxruntime")),
    "pytriton": Environment(
        ("nvidia-pytriton", SCIKIT_LEARN, "onnxruntime"),
        "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable,
    ),
}


def environments_folder() -> Path:
    named = os.environ.get("HEADGATE_BENCH_ENVIRONMENTS")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(cache) / "headgate-bench"


def install(name: str) -> Path:
    """The environment's folder, with its packages; raises `NotAvailable` with the installer's reason."""
    wanted = ENVIRONMENTS[name]
    folder = environments_folder() / name
    note = "\n".join((wanted.python, *wanted.packages))
    if (folder / READY).is_file() and (folder / READY).read_text() == note:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    if not Path(uv).exists():
        raise NotAvailable("did not install: uv is not here, pip install uv")
    _run([uv, "venv", "-q", "--python", wanted.python, str(folder)])
    _run([uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *wanted.packages])
    (folder / READY).write_text(note)
    return folder


def version_of(folder: Path, distribution: str) -> str:
    """The version of what was installed; empty where it is not there."""
    found = sorted((folder / "lib").glob(f"python3*/site-packages/{distribution.replace('-', '_')}-*.dist-info"))
    return found[0].name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NotAvailable(f"did not install: not done within {INSTALL_SECONDS} s") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NotAvailable(f"did not install: {' '.join(lines[-3:])[-300:]}")
