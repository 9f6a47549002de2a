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
    INFINITE = 618
    WRONG_SHAPE = 619  # three numbers a row instead of one
    WRONG_DTYPE = 620  # complex numbers
    LEAKS = 621  # 1 MB a call, for ever
    FORKS = 622  # up to 50 processes that stay
    FILLS_DISK = 623  # a file of 1 GB
    OPENS_SOCKETS = 624  # listens, and opens 2,000 more
    ANSWERS_AT_RANDOM = 625
    SLOW_AT_FIRST = 626  # one second, once
    SLEEPS_LONG = 627  # 30 seconds
    SHARES_MEMORY = 629  # 700 MB that no limit of the kernel counts, for a while
    CHANGES_NUMBERS = 628  # locale, random states, floating-point errors
    RAISES_HALF = 631  # an error whose text holds half a character
    RAISES_MUTE = 632  # an error that fails to say what it is
    TELLS_TRACE = 630  # the first six digits of the trace id of each traced row, as a number


# code that runs when the model is loaded → what the reason of the refusal says of it, as a pattern
LOAD_FAULTS = {
    "raise ValueError('the weights are missing')": "the weights are missing",
    "from os import nothing_of_that_name": "ImportError",
    "import a_package_that_nobody_has": "No module named 'a_package_that_nobody_has'",
    "import os; os._exit(3)": "exit status 3",
    "import ctypes; ctypes.string_at(0)": "SIGSEGV",
    "while True: pass": "to load within|SIGALRM",
    "held = bytearray(1 << 40)": "MemoryError.*raise host_memory_bytes",
    "import os; os.fork()": "Resource temporarily unavailable.*set host_processes",
}


SLEEP_SECONDS = 0.3
_SOURCE = f"""
import ctypes, locale, mmap, os, random, signal, socket, sys, tempfile, threading, time

import numpy as np

import headgate

kept = []


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def misbehave(fault, answer):
    if fault == {Fault.RAISES}:
        raise ValueError("a row that nobody expected")
    if fault == {Fault.RAISES_HALF}:
        raise ValueError("half of a character: \\ud800")
    if fault == {Fault.RAISES_MUTE}:
        raise Mute
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
    if fault == {Fault.INFINITE}:
        answer[0] = -np.inf
    if fault == {Fault.WRONG_SHAPE}:
        return np.stack([answer] * 3, axis=1)
    if fault == {Fault.WRONG_DTYPE}:
        return answer + 1j
    if fault == {Fault.LEAKS}:
        kept.append(bytearray(os.urandom(1000) * 1000))
    if fault == {Fault.FORKS}:
        for _ in range(50):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
    if fault == {Fault.FILLS_DISK}:
        with tempfile.TemporaryFile() as file:
            for _ in range(1000):
                file.write(bytes(1_000_000))
    if fault == {Fault.OPENS_SOCKETS}:
        with socket.create_server(("127.0.0.1", 0)):
            sockets = [socket.socket() for _ in range(2000)]
    if fault == {Fault.ANSWERS_AT_RANDOM}:
        return answer + np.random.random(len(answer))
    if fault == {Fault.SLOW_AT_FIRST} and not kept:
        kept.append(True)
        time.sleep(1.0)
    if fault == {Fault.SHARES_MEMORY}:
        with mmap.mmap(-1, 700 << 20) as shared:
            shared[:: mmap.PAGESIZE] = bytes(len(shared) // mmap.PAGESIZE)
            time.sleep(3)
    if fault == {Fault.SLEEPS_LONG}:
        time.sleep(30)
    if fault == {Fault.CHANGES_NUMBERS}:
        locale.setlocale(locale.LC_ALL, "C")
        random.seed(1)
        np.random.seed(1)
        np.seterr(all="raise")
    if fault == {Fault.TELLS_TRACE}:
        for trace in headgate.traces():
            answer[trace.start : trace.stop] = int(trace.traceparent[3:9], 16)
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
