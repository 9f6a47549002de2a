"""To ONNX where that is possible: convert in a child, prove parity, measure which form is faster."""

import contextlib
import importlib.util
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from headgate.bundle.manifest import LARGEST, Form, Manifest, Parity
from headgate.errors import HeadgateError
from headgate.packaging.draft import Draft
from headgate.packaging.far_rows import Reach, measure_reach
from headgate.packaging.frameworks.framework import Compiling
from headgate.packaging.frameworks.pickles import is_pickle
from headgate.packaging.frameworks.registry import framework_of_object, framework_of_path
from headgate.packaging.native import Native, load_form
from headgate.packaging.parity import agrees, compare_outputs, reason_against
from headgate.packaging.request import Answer, Request
from headgate.packaging.table import Table
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

FILE = "model.onnx"
DEADLINE = 180.0  # seconds for one conversion; a large forest takes tens
# compiled is not "clearly slower" below this factor: a measurement that wavers must not decide
CLEARLY = 2.0
REPEATS = 5
_answers = msgspec.json.Decoder(Answer)


@dataclass(frozen=True)
class Compiled:
    """The form to put into the manifest, and the reason for serving it or not."""

    form: Form
    serves: bool
    because: str


class Converter:
    """The child that converts, started early because its imports take seconds."""

    def __init__(self) -> None:
        settings = {
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        # a file never fills up as a pipe does that nobody reads
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "headgate.packaging.converter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            env=os.environ | settings,
        )
        self._ready = False
        self._ended = ""  # why it answers no more

    def convert(self, request: Request, deadline: float = DEADLINE) -> Answer:
        """Ask the child; an answer that does not come in `deadline` seconds is a refusal."""
        if not self._ended:
            try:
                return self._ask(request, time.monotonic() + deadline)
            except TimeoutError:
                self._ended = f"the conversion took longer than {deadline:g} s"
            except (OSError, EOFError):
                self._ended = f"the converter ended: {self._last_words()}"
            self.close()
        return Answer(refused=self._ended)

    def _ask(self, request: Request, limit: float) -> Answer:
        assert self._process.stdin is not None
        if not self._ready:
            self._read(limit)
            self._ready = True
        self._process.stdin.write(msgspec.json.encode(request) + b"\n")
        return _answers.decode(self._read(limit))

    def close(self) -> None:
        """End the child; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self, limit: float) -> bytes:
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, limit - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(self._process.stdout.fileno(), 65_536)
            if not part:
                raise EOFError
            line += part
        return line

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return tidy_reason(lines[-1]) if lines else f"exit status {self._process.returncode}"


def has_converter() -> bool:
    """Whether skl2onnx and onnx are installed here."""
    return all(importlib.util.find_spec(name) is not None for name in ("skl2onnx", "onnx"))


def may_compile(model: Any) -> bool:
    """Whether it is worth starting the converter, as far as told without reading the model."""
    if isinstance(model, str | Path) and is_pickle(Path(model)):
        return has_converter()
    framework = framework_of_path(Path(model)) if isinstance(model, str | Path) else framework_of_object(model)
    return framework is not None and isinstance(framework.compiling, Compiling) and has_converter()


@contextlib.contextmanager
def starting(wanted: bool) -> Iterator[Converter | None]:
    """A converter that imports while the caller does other things; None where none is wanted."""
    converter = Converter() if wanted else None
    try:
        yield converter
    finally:
        if converter:
            converter.close()


def compile_model(draft: Draft, native: Native, how: Compiling, converter: Converter, rows: Table) -> Compiled:
    """Convert with the first layout that gives the original's answers on all these rows.

    What is refused is refused with a reason that holds no value of any row. The file is left in the draft's folder only
    where it agrees.
    """
    if refusal := how.refusal(draft.recognised.kept):
        return _refused(refusal)
    original = native.predict(rows)
    refusals: list[str] = []
    differences: list[str] = []
    for layout in how.layouts(native.signature.features):
        answer = converter.convert(_request(draft, layout, PROBABILITIES in original))
        if answer.refused:
            refusals.append(f"it cannot be converted, {tidy_reason(answer.refused)}")
            continue
        parity, refused = _try(draft, rows, original)
        reach = measure_reach(native, _load(draft), rows) if parity and not refused else Reach(refused=refused)
        if parity and not reach.refused:
            return _choose(draft, native, rows, parity, reach)
        (differences if parity else refusals).append(reach.refused)
    (draft.folder / FILE).unlink(missing_ok=True)
    # how it answers says more than why another layout does not convert
    reason = [*differences, *refusals, "its features do not fit into a graph"][0]
    return _refused(reason)


def _refused(reason: str) -> Compiled:
    return Compiled(Form(runtime="onnx", path="", refused=reason), False, f"The compiled form is refused: {reason}.")


def tidy_reason(text: str) -> str:
    """One line without addresses, paths and numbering, so that the same failure reads the same everywhere."""
    line = re.sub(r"0x[0-9a-fA-F]+", "0x…", " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split()))
    line = re.sub(r"(/[\w.+-]+){2,}", "…", line)
    return line if len(line) <= 300 else f"{line[:299]}…"


def _request(draft: Draft, layout: str, probabilities: bool) -> Request:
    return Request(
        manifest=draft.manifest,
        form=draft.manifest.serves,
        folder=str(draft.folder),
        target=str(draft.folder / FILE),
        layout=layout,
        outputs=(PREDICTIONS, PROBABILITIES) if probabilities else (PREDICTIONS,),
    )


def _try(draft: Draft, rows: Table, original: Any) -> tuple[Parity | None, str]:
    try:
        parity = compare_outputs(original, _load(draft).predict(rows))
    except HeadgateError as error:
        return None, f"it does not run, {tidy_reason(_without_rows(error))}"
    return parity, "" if agrees(parity) else reason_against(parity)


def _without_rows(error: HeadgateError) -> str:
    """Only what onnxruntime says of loading is free of the rows' values."""
    return error.message if "cannot load" in error.message else type(error).__name__


def _load(draft: Draft) -> Native:
    return load_form(draft.folder, _with_compiled(draft), "onnx")


def _with_compiled(draft: Draft) -> Manifest:
    draft = draft.with_form("onnx", Form(runtime="onnx", path=FILE))
    return draft.manifest


def _choose(draft: Draft, native: Native, rows: Table, parity: Parity, reach: Reach) -> Compiled:
    compiled = _load(draft)
    ours, theirs = _seconds(native, rows), _seconds(compiled, rows)
    options = {} if reach.largest is None else {LARGEST: repr(reach.largest)}
    form = Form(runtime="onnx", path=FILE, parity=parity, options=options)
    if theirs > CLEARLY * ours:
        return Compiled(form, False, "The original is faster than its compiled form, which agrees with it.")
    return Compiled(form, True, "The compiled form agrees with the original on all compared rows and is not slower.")


def _seconds(form: Native, rows: Table) -> float:
    """Time for one row and for a hundred, the best of a few."""
    one, hundred = form.batch(rows.take([0])), form.batch(rows.take([row % rows.rows for row in range(100)]))
    return _best(lambda: form.model.predict(one)) + _best(lambda: form.model.predict(hundred))


def _best(call: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
