"""A file is read by a process of its own first, where its framework dies of crafted ones."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from headgate.errors import ModelError

SECONDS = 120
TRIAL = """
import importlib, pathlib, sys
name, file = sys.argv[1:]
model = importlib.import_module(f"headgate.runtimes.{name}").load_model(pathlib.Path(file).read_bytes(), file)
model.predict([[0.0] * len(model.feature_names_)], thread_count=1)
"""


def survive(name: str, path: Path) -> None:
    """Raises `ModelError` where the process that read the file did not live.

    What it says of the file is not heard: who reads it next says the same.
    """
    try:
        tried = subprocess.run(
            [sys.executable, "-P", "-c", TRIAL, name, str(path)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path.name} was not read within {SECONDS} s: save the model again.") from error
    if tried.returncode < 0:
        raise ModelError(
            f"{path.name} ended the process that read it ({signal.Signals(-tried.returncode).name}): it is damaged, "
            f"or was made to do harm. Save the model again with {name}."
        )
