"""What a host takes, and when that is too much."""

import os
import subprocess
import sys

import pytest

from headgate.agent.footprint import MB, Footprint, excess, growth, measure
from headgate.settings import Settings
from headgate.testing.node.node import until

SETTINGS = Settings(host_memory_bytes=100 * MB, host_growth_bytes=10 * MB, host_threads=5, host_processes=2)
FIRST = Footprint(memory=50 * MB, threads=1, processes=0)
PARENT = """
import os, sys, threading, time
if os.fork() == 0:
    os.fork()
threading.Thread(target=time.sleep, args=(60,)).start()
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("now", "must_end", "should_go"),
    [
        (FIRST, "", ""),
        (Footprint(60 * MB, 5, 2), "", ""),
        (Footprint(61 * MB, 1, 0), "", "gained 11 MB"),
        (Footprint(50 * MB, 6, 0), "", "6 threads"),
        (Footprint(101 * MB, 1, 0), "host_memory_bytes", "gained 51 MB"),
        (Footprint(50 * MB, 1, 3), "host_processes", ""),
    ],
)
def test_limits(now: Footprint, must_end: str, should_go: str) -> None:
    for found, wanted in ((excess(now, SETTINGS), must_end), (growth(now, FIRST, SETTINGS), should_go)):
        assert wanted in found and bool(wanted) == bool(found)


def test_a_process_is_measured_with_all_below_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], start_new_session=True)
    try:
        until(lambda: (now := measure(process.pid)) and (now.threads, now.processes) == (2, 2), "its family")
        now = measure(process.pid)
        assert now is not None and MB < now.memory < 200 * MB
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    assert measure(process.pid) is None
