"""What takes part in the measurements: a server process that answers one of the bodies below with the right labels."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.forest import Forest, instances, named_rows

FormName = Literal["instances", "rows"]
Body = Callable[[Forest, int, int], bytes]

ROOT = Path(__file__).parent.parent


class NotAvailable(Exception):
    """A contender cannot be had here; the text says why, and stands in the table."""


@dataclass(frozen=True)
class Command:
    """How a server is started."""

    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


@dataclass(frozen=True)
class Place:
    """Where a contender may write, and the model that it serves."""

    folder: Path
    forest: Forest


def labels_in(answer: bytes) -> Any:
    """The labels in `{"predictions": […]}`."""
    return json.loads(answer)["predictions"]


def labels_in_tensor(answer: bytes) -> Any:
    """The labels in the first output of the open inference protocol; a column of them counts as a list."""
    return [int(label) for label in json.loads(answer)["outputs"][0]["data"]]


def labels_behind(answer: bytes) -> Any:
    """The labels in the bytes behind the JSON, where the first output is binary."""
    document, end = json.JSONDecoder().raw_decode(answer.decode("latin-1"))
    size = document["outputs"][0]["parameters"]["binary_data_size"]
    return list(memoryview(answer[end : end + size]).cast("q"))


@dataclass(frozen=True)
class Contender:
    """One row of the table."""

    name: str
    # what it is, in a line
    what: str
    # what it runs: "onnxruntime", "scikit-learn", or "nothing"
    runs: str
    # makes what the server needs and says how it is started on a port of 127.0.0.1; raises `NotAvailable`
    prepare: Callable[[Place, int], Command]
    path: str
    bodies: Mapping[FormName, Body] = field(default_factory=lambda: {"instances": instances, "rows": named_rows})
    read: Callable[[bytes], Any] = labels_in
    # beyond those of every request
    headers: Mapping[str, str] = field(default_factory=dict)
    # seconds from the command to the first right answer
    patience: float = 180.0


@dataclass(frozen=True)
class Question:
    """A body and the labels that answer it."""

    body: bytes
    labels: list[int]
    read: Callable[[bytes], Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def fault(self, answer: bytes) -> str:
        """What is wrong with an answer; empty when nothing is."""
        try:
            labels = list(self.read(answer))
        except (ValueError, KeyError, TypeError, IndexError):
            return f"no labels in {answer[:200]!r}"
        return "" if labels == self.labels else f"expected {self.labels[:5]} …, got {labels[:5]} …"


def questions(contender: Contender, forest: Forest, form: FormName, rows: int, count: int = 8) -> list[Question]:
    """Some requests of so many rows, each of other rows."""
    begins = [place * (len(forest.rows) - rows) // max(1, count - 1) for place in range(count)]
    body = contender.bodies[form]
    return [
        Question(body(forest, begin, rows), forest.labels[begin : begin + rows], contender.read, contender.headers)
        for begin in begins
    ]
