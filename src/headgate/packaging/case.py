"""What is packaged: a recognised model with its facts, its data and its holdout, fitted to one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headgate.packaging.facts import Facts, read_task
from headgate.packaging.frameworks.framework import Recognised
from headgate.packaging.roles import Given, read_roles
from headgate.packaging.rows import made_up_rows
from headgate.packaging.signature import fit_table, infer_inputs, sensitive_names, without_extent
from headgate.packaging.sources import Source, Sources
from headgate.packaging.table import Table
from headgate.records import Category, Column, Task
from headgate.runtimes.batch import Array
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES
from headgate.statistics.profile import Profile, profile_columns


@dataclass(frozen=True)
class Case:
    """Everything that a bundle is made of."""

    recognised: Recognised
    facts: Facts
    inputs: tuple[Column, ...]
    task: Task
    rows: Table  # the training data, or rows made up where there is none
    data: Table | None = None  # the training data
    truth: Array | None = None  # its target
    source: str = ""  # name of the file it came from
    holdout: Source | None = None


def read_case(
    recognised: Recognised,
    folder: Path,
    sources: Sources,
    roles: Given | None,
    task: str | None,
) -> Case:
    """Fit model, data and holdout to one another; raises `SignatureMismatch` or `Malformed`."""
    facts = recognised.framework.facts(recognised.kept, folder)
    training, holdout = sources.training, sources.holdout
    shown, inputs = infer_inputs(sources.shown, facts, roles)
    if sources.only_shown:
        inputs = without_extent(inputs, facts)
    held = None
    if holdout:
        known = {name: told for name, told in read_roles(roles).items() if name in holdout.table.columns}
        held = Source(fit_table(holdout.table, facts, known), holdout.truth, holdout.name)
    truth = training.truth if training else None
    answers = truth if truth is not None else held.truth if held else None
    return Case(
        recognised=recognised,
        facts=facts,
        inputs=inputs,
        task=read_task(task, facts, answers),
        rows=shown if shown is not None else made_up_rows(recognised.kept.model, inputs),
        data=shown if training else None,
        truth=truth,
        source=training.name if training else "",
        holdout=held,
    )


def name_classes(case: Case, outputs: Outputs) -> tuple[Category | float, ...]:
    """The model's classes in the order of its probabilities; where it does not say them, what the targets show."""
    if case.task != "classification":
        return ()
    return case.facts.classes or _shown_classes(case, outputs[PREDICTIONS], outputs.get(PROBABILITIES))


def _shown_classes(case: Case, predictions: Array, probabilities: Array | None) -> tuple[Category | float, ...]:
    targets = [truth for truth in (case.truth, case.holdout.truth if case.holdout else None) if truth is not None]
    seen = _distinct([*targets, predictions])
    if targets and (probabilities is None or len(seen) == probabilities.shape[1]):
        return tuple(seen)
    if probabilities is not None and predictions.dtype.kind in "iu":
        return tuple(range(probabilities.shape[1]))
    return ()


def profile_case(case: Case, answers: Outputs | None) -> dict[str, Any]:
    """Content of `profile.json`: of the data and of the predictions on the holdout, null where there was none."""
    data = None
    if case.data:
        data = profile_columns(case.data.columns, sensitive=sensitive_names(case.inputs))
    return {"format": 1, "data": data, "predictions": profile_answers(answers) if answers else None}


def profile_answers(answers: Outputs) -> Profile:
    """The profile of predictions, and of each class's probability."""
    predictions = answers[PREDICTIONS]
    # labels are levels, whatever their type
    columns = {PREDICTIONS: predictions if predictions.dtype.kind == "f" else predictions.astype(object)}
    for place, chances in enumerate(answers[PROBABILITIES].T if PROBABILITIES in answers else ()):
        columns[f"{PROBABILITIES}.{place}"] = chances
    return profile_columns(columns)


def _distinct(arrays: Sequence[Array]) -> list[Any]:
    found = {value for array in arrays if array.ndim == 1 for value in array.tolist() if value is not None}
    return sorted(found, key=lambda value: (isinstance(value, str), value)) if _sortable(found) else []


def _sortable(values: set[Any]) -> bool:
    return len({isinstance(value, str) for value in values}) <= 1 and not any(
        isinstance(value, float) and np.isnan(value) for value in values
    )
