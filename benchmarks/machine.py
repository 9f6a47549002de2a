"""The machine in words that do not name it."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.load import driver
from benchmarks.results import Machine

LIBRARIES = (
    "headgate",
    "onnxruntime",
    "scikit-learn",
    "numpy",
    "uvloop",
    "httptools",
    "msgspec",
    "orjson",
    "fastapi",
    "uvicorn",
)


def describe() -> Machine:
    """Cores, processor, memory and versions."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_field("/proc/cpuinfo", r"model name\s*:\s*(.+)") or platform.machine(),
        memory=round(int(_field("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1024**2),
        python=platform.python_version(),
        driver=driver(),
        load=round(os.getloadavg()[0], 2),
        versions={name: found for name in LIBRARIES if (found := _version(name))},
    )


def _field(path: str, pattern: str) -> str:
    try:
        match = re.search(pattern, Path(path).read_text())
    except OSError:
        return ""
    return match[1].strip() if match else ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
