"""What the kernel refuses a host, as the model in it sees it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import errno, json, os, resource, subprocess, threading
from headgate.serving.hosts.confinement import confine
from headgate.settings import Settings

def tried(call):
    try:
        call()
    except MemoryError:
        return "MemoryError"
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def write():
    with open(os.environ["FILE"], "wb") as file:
        file.write(bytes(2 << 20))

def thread():
    one = threading.Thread(target=lambda: None)
    one.start()
    one.join()

confine(Settings(host_memory_bytes=512 << 20, host_file_bytes=1 << 20, host_open_files=64, host_processes=%d))
with open("/proc/self/oom_score_adj") as file:
    score = int(file.read())
found = {
    "fork": tried(lambda: os.fork() or os._exit(0)),
    "program": tried(lambda: subprocess.run(["true"], check=True)),
    "thread": tried(thread),
    "memory": tried(lambda: bytearray(1 << 30)),
    "file": tried(write),
    "descriptors": tried(lambda: [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "ends first": score >= 500,
}
print(json.dumps(found))
"""


@pytest.mark.parametrize(("processes", "fork"), [(0, "EAGAIN"), (5, "done")])
def test_the_kernel_holds_the_limits(processes: int, fork: str, tmp_path: Path) -> None:
    environment = {**os.environ, "FILE": str(tmp_path / "file")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT % processes], env=environment, capture_output=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == {
        "fork": fork, "program": fork, "thread": "done", "memory": "MemoryError", "file": "EFBIG",
        "descriptors": "EMFILE", "core": 0, "ends first": True,
    }  # fmt: skip
