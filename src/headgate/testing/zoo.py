"""One bad model with many faults, for tests of whatever must survive it: the first number of a row says which."""

import json
import platform
from enum import IntEnum
from pathlib import Path

from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest
from headgate.records import Column, Signature
from headgate.testing.bundles import BuiltBundle, write_bundle

MODEL_FILE = "model.py"
FEATURES = ("fault", "value")


class Fault(IntEnum):
    """What a row with this number does to the model that is asked."""

    NONE = 0
    RAISES = 601
    EXITS = 602  # os._exit(1)
    LEAVES = 603  # sys.exit()
    SEGFAULT = 604
    LOOPS = 605  # for ever, in Python
    HOLDS = 606  # for ever, in C, with the interpreter's lock
    SLEEPS = 607  # for a while, then answers
    NAN = 608
    TOO_MANY_ROWS = 609
    SCALAR = 610
    TEXT = 611
    PRINTS = 612  # 20 MB through Python
    WRITES = 613  # 20 MB to the descriptors themselves
    HUGE = 614  # an answer of 100 MB
    THREADS = 615
    CHANGES_PROCESS = 616  # environment, folder, numpy's errors, signal handlers
    OUT_OF_MEMORY = 617


SLEEP_SECONDS = 0.3
_SOURCE = f"""
import ctypes, os, signal, sys, threading, time

import numpy as np


def misbehave(fault, answer):
    if fault == {Fault.RAISES}:
        raise ValueError("a row that nobody expected")
    if fault == {Fault.EXITS}:
        os._exit(1)
    if fault == {Fault.LEAVES}:
        sys.exit("enough")
    if fault == {Fault.SEGFAULT}:
        ctypes.string_at(0)
    if fault == {Fault.LOOPS}:
        while True:
            pass
    if fault == {Fault.HOLDS}:
        ctypes.PyDLL(None).pause()
    if fault == {Fault.SLEEPS}:
        time.sleep({SLEEP_SECONDS})
    if fault == {Fault.NAN}:
        answer[0] = np.nan
    if fault == {Fault.TOO_MANY_ROWS}:
        return np.concatenate([answer, answer])
    if fault == {Fault.SCALAR}:
        return np.float64(1.0)
    if fault == {Fault.TEXT}:
        return np.array(["some text"] * len(answer), dtype=object)
    if fault == {Fault.PRINTS}:
        for _ in range(20_000):
            print("x" * 1000)
    if fault == {Fault.WRITES}:
        for _ in range(20_000):
            os.write(1, b"x" * 1000)
    if fault == {Fault.HUGE}:
        return np.zeros((len(answer), 100_000_000 // 8))
    if fault == {Fault.THREADS}:
        for _ in range(20):
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    if fault == {Fault.CHANGES_PROCESS}:
        os.environ.clear()
        os.chdir("/")
        np.seterr(all="raise")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if fault == {Fault.OUT_OF_MEMORY}:
        np.zeros(1 << 60)
    return answer


class Bad:
    def predict(self, rows):
        answer = rows[:, 1].copy()
        for fault in rows[:, 0]:
            if fault:
                answer = misbehave(int(fault), answer)
        return answer


model = Bad()
"""


def build_zoo(
    cache: Path, *, name: str = "zoo", prelude: str = "", golden: tuple[float, float] = (1.0, 2.5)
) -> BuiltBundle:
    """The bundle of a model that answers `value`, unless `fault` says otherwise.

    `prelude` is code that runs when the model is loaded; `golden` what it should answer to the values 1 and 2.5.
    """
    requests = {
        "format": 1,
        "inputs": {"columns": {"fault": [0.0, 0.0], "value": [1.0, 2.5]}},
        "outputs": {"predictions": list(golden)},
        "tolerance": {"absolute": 1e-6, "relative": 1e-5},
    }
    manifest = Manifest(
        name=name,
        framework="python",
        task="regression",
        signature=Signature(
            inputs=tuple(Column(name=name, dtype="float64") for name in FEATURES),
            outputs=(Column(name="predictions", dtype="float64"),),
        ),
        forms={"native": Form(runtime="python", path=MODEL_FILE)},
        serves="native",
        environment=Environment(python=platform.python_version().rpartition(".")[0]),
        files={},
    )
    source = f"{prelude}\n{_SOURCE}"
    return write_bundle(cache, manifest, {MODEL_FILE: source.encode(), GOLDEN: json.dumps(requests).encode()})
