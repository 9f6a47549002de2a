"""A candidate at work: loaded as a worker would load it, timed, measured, compared with the model as it is."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from headgate.bundle.manifest import Form, Manifest
from headgate.errors import HeadgateError
from headgate.optimizing.candidate import Candidate, Measured
from headgate.optimizing.pareto import SAME_TIME, frontier
from headgate.packaging.draft import file_entry
from headgate.packaging.measure import holdout_metrics
from headgate.packaging.native import Native, load_form
from headgate.packaging.parity import compare_outputs
from headgate.packaging.sources import Source
from headgate.packaging.table import Table
from headgate.runtimes.runtime import Outputs

FILE = "model.onnx"
FORM = "onnx"
MANY = 1000
SECONDS = 0.2  # spent on each size of batch
# the metric that decides, by task, and whether more of it is better
DECIDING = {"classification": ("accuracy", True), "regression": ("rmse", False)}


@dataclass(frozen=True)
class Trial:
    """The bundle's manifest, the rows that all candidates answer, and the model's own answers to them."""

    folder: Path
    manifest: Manifest
    rows: Source
    original: Outputs

    def load(self, candidate: Candidate) -> Native:
        """The candidate as a worker loads it; raises `ModelError`."""
        (self.folder / FILE).write_bytes(candidate.content)
        return load_form(self.folder, with_candidate(self.manifest, self.folder, candidate), FORM)

    def closer(self, one: Candidate, other: Candidate) -> Candidate:
        """The one whose answers are more like the model's."""
        return min((one, other), key=self._distance)

    def measure(self, candidate: Candidate) -> Measured | Candidate:
        """What it does; the candidate itself, refused, when it does not run."""
        try:
            native = self.load(candidate)
            answers = native.predict(self.rows.table)
            metric = self._metric(answers)
            times = [time_of(native, self.rows.table, count) for count in (1, MANY)]
        except HeadgateError as error:
            return Candidate(candidate.name, refused=error.message)
        return Measured(
            candidate, times[0], times[1], len(candidate.content), metric, compare_outputs(self.original, answers)
        )

    def metrics(self, answers: Outputs) -> dict[str, float]:
        """All metrics on the rows; none where their true answers are not known."""
        if self.rows.truth is None:
            return {}
        return holdout_metrics(self.manifest.task, answers, self.rows.truth, self.manifest.classes)

    def _metric(self, answers: Outputs) -> float:
        name, _ = DECIDING.get(self.manifest.task, ("", True))
        return self.metrics(answers).get(name, math.nan)

    def _distance(self, candidate: Candidate) -> float:
        """Mean difference of the numbers that are answered."""
        answers = self.load(candidate).predict(self.rows.table)
        numbers = [name for name, array in self.original.items() if array.dtype.kind == "f"]
        return sum(float(np.mean(np.abs(self.original[name] - answers[name]))) for name in numbers)


def with_candidate(manifest: Manifest, folder: Path, candidate: Candidate) -> Manifest:
    """The manifest with the candidate, whose file lies in the folder, as its one form."""
    return msgspec.structs.replace(
        manifest,
        forms={FORM: Form(runtime="onnx", path=FILE, options=candidate.options)},
        serves=FORM,
        files={FILE: file_entry(folder / FILE)},
    )


def time_of(native: Native, rows: Table, count: int) -> float:
    """Seconds for one call with so many rows: the best of as many as fit into a fifth of a second, three at least."""
    batch = native.batch(rows.take([place % rows.rows for place in range(count)]))
    return _best(lambda: native.model.predict(batch))


def _best(call: Callable[[], Any]) -> float:
    best, begun, calls = math.inf, time.perf_counter(), 0
    while calls < 3 or time.perf_counter() - begun < SECONDS:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
        calls += 1
    return best


def rank(measured: Sequence[Measured], task: str) -> list[Measured]:
    """The same, with those marked that no other beats in speed, size and quality."""
    _, more_is_better = DECIDING.get(task, ("", True))
    costs = [(each.one, each.many, float(each.size), *_loss(each, more_is_better)) for each in measured]
    same = (SAME_TIME, SAME_TIME, 0.0, 0.0, 0.0, 0.0)
    return [each._replace(best=best) for each, best in zip(measured, frontier(costs, same), strict=True)]


def _loss(measured: Measured, more_is_better: bool) -> tuple[float, float, float]:
    """What is lost in quality; where the truth is not known, being unlike the model counts as a loss."""
    if math.isnan(measured.metric):
        return 0.0, float(measured.parity.labels_differ), measured.parity.max_difference
    return -measured.metric if more_is_better else measured.metric, 0.0, 0.0
