"""What a model says of itself: its inputs, its task, its classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from headgate.errors import Malformed
from headgate.records import Category, Column, Task
from headgate.runtimes.batch import Array

TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True)
class Facts:
    """What can be known without data."""

    columns: tuple[Column, ...] = ()  # the features, as far as the model tells; empty where it does not
    named: bool = False  # whether the model knows its features by name
    task: Task | None = None
    classes: tuple[Category | float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def read_task(given: str | None, facts: Facts, truth: Array | None) -> Task:
    """The task that was given, or the model's own, or what the target looks like; raises `Malformed`."""
    if given is not None:
        for task in TASKS:
            if task == given:
                return task
        raise Malformed(f"Expected a task of {', '.join(TASKS)}, got {given!r}.")
    if facts.task:
        return facts.task
    if truth is None:
        return "other"
    return "regression" if truth.dtype.kind == "f" else "classification"


def plain_classes(classes: Sequence[Any]) -> tuple[Category | float, ...]:
    """Classes as Python values; whole numbers stay floats when the model answers floats."""
    return tuple(label.item() if isinstance(label, np.generic) else label for label in classes)
