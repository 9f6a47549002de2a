"""What the runtimes of boosted trees have in common: how they describe a model, and how scores become answers."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.errors import ModelError
from headgate.records import Category, Task
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.boundary import answering
from headgate.runtimes.coding import Levels
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

Answer = Callable[[Batch], Outputs]
PICKLES = (".joblib", ".pkl")
SET_UP = "The model cannot be set up"


def first_line(error: BaseException) -> str:
    """What a framework says, without the stack of its C++."""
    lines = [line for line in str(error).split("Stack trace:")[0].splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)}"


@dataclass(frozen=True)
class Description:
    """What a boosted model says of itself."""

    names: tuple[str, ...]
    named: bool  # whether the names are the user's own
    levels: Levels
    task: Task | None
    classes: tuple[Category | float, ...] = ()


class BoostedModel:
    """A booster that answers batches."""

    device = "cpu"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @answering(tell=first_line)
    def predict(self, batch: Batch) -> Outputs:
        """Answer every row; raises `ModelError` with the framework's reason."""
        return self._answer(batch)

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """One part."""
        yield self.predict(batch)

    def close(self) -> None:
        """Nothing is held beyond the booster's memory."""


def framework(name: str) -> Any:
    """The framework's package, which takes up to a second to import; raises `ModelError` with what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelError(
            f"The model needs {name}, which cannot be imported here ({error}): pip install 'headgate[{name}]'"
        ) from error


def task_of(*, classifies: bool, ranks: bool) -> Task:
    """The task of an objective."""
    return "classification" if classifies else "other" if ranks else "regression"


def classified(chances: Array, classes: Sequence[Any]) -> Outputs:
    """The most probable class of each row, the first where two are level; the second class's chance may come alone."""
    if chances.ndim == 1:
        chances = np.column_stack([1 - chances, chances])
    places = chances.argmax(axis=1)
    return {PREDICTIONS: class_array(classes)[places] if classes else places, PROBABILITIES: chances}


def class_array(classes: Sequence[Any]) -> Array:
    """The classes to take from by place; text as objects."""
    return np.array(classes, dtype=object if any(isinstance(name, str) for name in classes) else None)


def softmax(margins: Array) -> Array:
    """Margins [rows, classes] as probabilities."""
    raised = np.exp(margins - margins.max(axis=1, keepdims=True))
    chances: Array = raised / raised.sum(axis=1, keepdims=True)
    return chances
