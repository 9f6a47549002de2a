"""Which Python runs a bundle's hosts: the agent's own, unless `cache/<digest>.python` names one with its packages."""

import os
from pathlib import Path

from headgate.errors import EnvironmentMismatch
from headgate.home import Home

SUFFIX = "python"


def interpreter_of(home: Home, digest: str) -> str:
    """The path of an interpreter, empty for our own. Raises `EnvironmentMismatch` when what is named is none."""
    note = home.cache / f"{digest}.{SUFFIX}"
    try:
        path = Path(note.read_text().strip())
    except FileNotFoundError:
        return ""
    if not path.is_absolute() or not path.is_file() or not os.access(path, os.X_OK):
        raise EnvironmentMismatch(
            f"Expected the path of a Python interpreter in {note}, got {str(path)!r}. Build the environment of this "
            "bundle again, or remove the file to run it in the agent's own."
        )
    return str(path)
