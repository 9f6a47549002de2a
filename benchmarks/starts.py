"""`headgate serve`: from the command to the first right answer, on a compiled bundle and on a scikit-learn file."""

import os
import sys
from pathlib import Path

from benchmarks.contender import Command, Question, labels_in
from benchmarks.contenders import SIGNING_KEY
from benchmarks.forest import Forest, instances
from benchmarks.processes import free_port, running
from benchmarks.results import StartResult
from benchmarks.rounds import say

PATIENCE = 60.0


def measure_starts(forest: Forest, times: int) -> StartResult:
    """Each kind so many times, in turns."""
    compiled, raw = [], []
    for _ in range(times):
        compiled.append(_start(forest.compiled.folder, forest))
        raw.append(_start(forest.joblib, forest))
        say(f"  headgate serve answers after {compiled[-1]:.2f} s compiled, {raw[-1]:.2f} s raw")
    return StartResult(compiled=compiled, raw=raw)


def _start(model: Path, forest: Forest) -> float:
    port = free_port()
    serve = ["-m", "headgate", "serve", str(model), "--name", "forest", "--port", str(port)]
    command = Command([sys.executable, *serve], {SIGNING_KEY: os.environ[SIGNING_KEY]}, model.parent)
    question = Question(instances(forest, 0, 1), forest.labels[:1], labels_in)
    with running(command, port) as server:
        return server.wait_for("/v1/endpoints/forest/predict", question, PATIENCE)
