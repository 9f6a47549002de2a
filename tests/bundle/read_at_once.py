"""Processes whose first act is that four threads read one manifest: prints how many of them were ended by a signal."""

import os
import sys
import threading
from pathlib import Path

from headgate.bundle.bundle import decode_manifest

PROCESSES, THREADS = 60, 4


def read_at_once(content: bytes) -> None:
    """All threads at once, changing over as often as can be."""
    sys.setswitchinterval(1e-6)
    barrier = threading.Barrier(THREADS)

    def read() -> None:
        barrier.wait()
        decode_manifest(content)

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    content = Path(sys.argv[1]).read_bytes()
    failed = 0
    for _ in range(PROCESSES):
        # a fork knows of the manifest what was known at import, and nothing more
        pid = os.fork()
        if pid == 0:
            try:
                read_at_once(content)
            finally:
                os._exit(0)
        failed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0
    sys.stdout.write(f"{failed}\n")


if __name__ == "__main__":
    main()
