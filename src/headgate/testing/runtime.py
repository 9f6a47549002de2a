"""A runtime without a framework, for tests: register it as `RUNTIMES["fake"] = FAKE_RUNTIME` where it is wanted.

Its model file is JSON, see `FakeAnswers`. Every value of a row is turned into a number and summed.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest
from headgate.errors import ModelError
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.boundary import answering, foreign
from headgate.runtimes.runtime import Outputs

FAKE_RUNTIME = "headgate.testing.runtime:FakeRuntime"


class FakeAnswers(msgspec.Struct, frozen=True):
    """What the fake model does."""

    bias: float = 0.0  # added to the sum of a row
    fails_to_load: str = ""  # reason of the `ModelError` at load
    fails_at: float | None = None  # a row with this sum makes predict raise
    nan_at: float | None = None  # a row with this sum is answered NaN
    extra_rows: int = 0  # answers that many rows too many
    seconds: float = 0.0  # each call takes that long
    row_seconds: float = 0.0  # and so much longer for each row
    waits_for: str = ""  # each call waits until there is a file of that name
    targets: int = 0  # so many predictions a row, each one more than the one before it
    labels: tuple[str, ...] = ()  # a row is given one of these, by its whole sum, and probabilities of all


_read = msgspec.json.Decoder(FakeAnswers).decode


class FakeModel:
    """Answers `predictions`: the sum of each row plus the bias; text counts its letters, null nothing.

    With `targets` there are several sums a row; with `labels` they become classes.
    """

    device = "cpu"

    def __init__(self, answers: FakeAnswers) -> None:
        self.answers = answers
        self.calls: list[int] = []  # rows of each call
        self.closed = False

    @answering("The fake model failed")
    def predict(self, batch: Batch) -> Outputs:
        """Answer, or fail as the file says."""
        self.calls.append(batch.rows)
        if seconds := self.answers.seconds + self.answers.row_seconds * batch.rows:
            time.sleep(seconds)
        while self.answers.waits_for and not Path(self.answers.waits_for).exists():
            time.sleep(0.001)
        sums = np.sum([_numbers(column) for column in batch.columns.values()], axis=0)
        if self.answers.fails_at is not None and (sums == self.answers.fails_at).any():
            raise ModelError(f"A row sums up to {self.answers.fails_at}.")
        answered = sums + self.answers.bias
        if self.answers.nan_at is not None:
            answered[sums == self.answers.nan_at] = np.nan
        if self.answers.labels:
            return _labelled(answered, self.answers.labels)
        if self.answers.targets:
            return {"predictions": answered[:, None] + np.arange(self.answers.targets)}
        return {"predictions": np.append(answered, np.zeros(self.answers.extra_rows))}

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """One part."""
        yield self.predict(batch)

    def close(self) -> None:
        """Remember that it was asked to."""
        self.closed = True


class FakeRuntime:
    """Loads `FakeAnswers` files."""

    name = "fake"
    preload: tuple[str, ...] = ("numpy",)

    def load(self, folder: Path, manifest: Manifest, form: str) -> FakeModel:
        """Load one form, or fail as the file says."""
        content = verified_bytes(folder, manifest, manifest.forms[form].path)
        with foreign("The fake model's file cannot be read", str):
            answers = _read(content)
        if answers.fails_to_load:
            raise ModelError(answers.fails_to_load)
        return FakeModel(answers)


def _labelled(sums: Array, labels: tuple[str, ...]) -> Outputs:
    places = sums.astype(int) % len(labels)
    probabilities = np.full((len(sums), len(labels)), 0.5 / len(labels))
    probabilities[np.arange(len(sums)), places] += 0.5
    return {"predictions": np.array(labels, object)[places], "probabilities": probabilities}


def _numbers(column: Array) -> Array:
    if column.dtype.kind in "OM":
        return np.array([0 if value is None else len(str(value)) for value in column.tolist()], float)
    sums: Array = np.nan_to_num(column.astype(float)).reshape(len(column), -1).sum(axis=1)
    return sums
