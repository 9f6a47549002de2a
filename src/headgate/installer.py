"""uv, which finds the hashes of packages and installs them: where it is, and the one way to call it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from headgate.errors import DeadlineExceeded, NotFound, Unavailable

MISSING = "uv is not installed, pip install 'headgate[environments]'"
# an index that does not answer is asked once more, not three times with growing pauses
RETRIES = {"UV_HTTP_RETRIES": "1"}
WORDS = 600  # how much of what a program said is passed on


def find_uv() -> str:
    """The program beside our interpreter, or on the path. Raises `NotFound` with what to install."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    if found is None:
        raise NotFound(f"Expected to find uv: {MISSING}.")
    return found


def run_uv(arguments: Sequence[str], seconds: float, given: str = "") -> str:
    """What uv prints; `given` is its stdin. A list of arguments, never a shell.

    It runs in an empty folder: the settings of its user count (indexes, proxies), those of a project that happens to be
    around do not. Raises `NotFound` without uv, `DeadlineExceeded`, or `Unavailable` with uv's own words.
    """
    return run_program([find_uv(), "--no-progress", "--color", "never", *arguments], seconds, given)


def run_program(command: Sequence[str], seconds: float, given: str = "") -> str:
    """What a program prints; raises `DeadlineExceeded`, or `Unavailable` with its own words when it fails."""
    name = Path(command[0]).name
    environment = RETRIES | {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    with TemporaryDirectory(prefix="headgate-uv-") as folder:
        try:
            done = subprocess.run(
                command,
                input=given,
                capture_output=True,
                text=True,
                timeout=max(0.0, seconds),
                check=False,
                cwd=folder,
                env=environment,
            )
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(f"Expected {name} to be done within {seconds:g} s, it was not.") from error
        except OSError as error:
            raise Unavailable(f"Expected to run {command[0]}, got: {error}.") from error
    if done.returncode:
        raise Unavailable(f"{name}: {' '.join(done.stderr.split())[-WORDS:] or f'ended with {done.returncode}'}.")
    return done.stdout
