"""Output of every process of the node in `logs/`, bounded, and the last words of one that died."""

import os
from pathlib import Path
from typing import IO

from headgate.home import Home

LOG_BYTES = 8 * 1024 * 1024
LAST_WORDS_BYTES = 4096
LINE_CHARACTERS = 500


def log_path(home: Home, name: str) -> Path:
    return home.logs / f"{name}.log"


def open_log(home: Home, name: str) -> IO[bytes]:
    """A log to append to. Every writer appends, so it can be cut while it is written to."""
    descriptor = os.open(log_path(home, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)


def log_size(home: Home, name: str) -> int:
    """Bytes in the log now; 0 where there is none."""
    try:
        return log_path(home, name).stat().st_size
    except FileNotFoundError:
        return 0


def cut_logs(home: Home, limit: int = LOG_BYTES) -> None:
    """Move the end of each log over the limit to `<name>.log.1`. A pipe would bound it too, and die with the agent."""
    for path in home.logs.glob("*.log"):
        if path.stat().st_size > limit:
            kept = path.with_name(f"{path.name}.1")
            kept.write_bytes(_tail(path, limit))
            kept.chmod(0o600)
            os.truncate(path, 0)


def last_words(home: Home, name: str, since: int = 0) -> str:
    """The last line in the log after `since` bytes: of a Python process that raised, what it raised."""
    if log_size(home, name) < since:
        since = 0
    try:
        text = _tail(log_path(home, name), LAST_WORDS_BYTES, since).decode(errors="replace")
    except FileNotFoundError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:LINE_CHARACTERS] if lines else ""


def _tail(path: Path, count: int, since: int = 0) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(since, size - count))
        return file.read(count)
