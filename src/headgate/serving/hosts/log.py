"""Where a host's output goes, Python's and that of C code: a file of bounded size in the home's logs."""

import contextlib
import faulthandler
import fcntl
import io
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

LOG_BYTES = 4 * 1024 * 1024
_STDOUT, _STDERR = 1, 2


class HostLog:
    """Takes stdout and stderr over: `logs/host-<name>-<n>.log`, and the one before it with `.1`. Each holds half."""

    def __init__(self, logs: Path, name: str, limit_bytes: int = LOG_BYTES) -> None:
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._half = limit_bytes // 2
        self._lock, self._path = _free_name(logs, name)
        self._written = 0
        self._open()
        # line by line, so that the last words of a process that dies are there
        stream = io.TextIOWrapper(io.BufferedWriter(_Lines(self)), errors="backslashreplace", line_buffering=True)
        sys.stdout = sys.stderr = stream
        faulthandler.enable(_STDERR)
        # the watchdog's signal says where the model was, then it does what it does by default: end the process
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        faulthandler.register(signal.SIGALRM, _STDERR, chain=True)

    def write(self, content: memoryview) -> None:
        """Never fails: a model must not break because the disk is full."""
        with contextlib.suppress(OSError):
            os.write(_STDERR, content)
        self._written += len(content)
        if self._written > self._half:
            self.tidy()

    def tidy(self) -> None:
        """Begin the file anew when it is full; C code writes to it without asking."""
        with contextlib.suppress(OSError):
            size = os.fstat(_STDERR).st_size
            if size > self._half:
                earlier = self._path.with_suffix(".log.1")
                self._path.replace(earlier)
                self._open()
                if size > 2 * self._half:
                    _keep_the_end(earlier, self._half)
            self._written = os.fstat(_STDERR).st_size

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(descriptor, _STDOUT)
        os.dup2(descriptor, _STDERR)
        os.close(descriptor)


def _keep_the_end(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(-size, os.SEEK_END)
        end = file.read()
        file.seek(0)
        file.write(end)
        file.truncate()


class _Lines(io.RawIOBase):
    """What Python writes to stdout and stderr."""

    def __init__(self, log: HostLog) -> None:
        self._log = log

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _STDERR

    def write(self, content: Any, /) -> int:
        self._log.write(content)
        return len(content)


def _free_name(logs: Path, name: str) -> tuple[int, Path]:
    """The first name that no living host writes to: as many files as hosts, however often they are replaced."""
    for number in count():
        path = logs / f"host-{name}-{number}.log"
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        return descriptor, path
    raise AssertionError("counting never ends")
