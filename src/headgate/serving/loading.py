"""From a variant's bundle in the cache to a model that can be asked: verified, loaded, proven, warm and measured.

All of it blocks and runs in a thread of its own; a worker goes on answering meanwhile.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.bundle.bundle import read_manifest, verify_files
from headgate.bundle.golden import read_golden
from headgate.bundle.manifest import LARGEST, Manifest
from headgate.crashes import CallMark
from headgate.errors import Corrupt, Refused
from headgate.records import Column, Variant
from headgate.runtimes.batch import Batch
from headgate.runtimes.boundary import MODEL_CALL, foreign
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.runtime import LoadedModel, Outputs
from headgate.runtimes.verify import check_outputs, verify_golden
from headgate.serving.calls import Answer
from headgate.serving.contract import Contract
from headgate.serving.waiting_time import Cost

MEASURED_ROWS = 64
MEASURED_SECONDS = 0.05
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model inside this process, with what a batch of it costs."""

    manifest: Manifest
    model: LoadedModel
    cost: Cost


def manifest_of(cache: Path, variant: Variant) -> Manifest:
    """The manifest of a variant's bundle; raises `Corrupt` when it is not the one that was registered."""
    manifest, digest = read_manifest(cache / variant.digest)
    if digest != variant.digest:
        raise Corrupt(f"The bundle of {variant.version} in the cache has digest {digest}, expected {variant.digest}.")
    if variant.form not in manifest.forms:
        raise Refused(f"{variant.version} has no form {variant.form!r}; it has: {', '.join(manifest.forms)}.")
    return manifest


def load_inline(cache: Path, variant: Variant, mark: CallMark) -> Loaded:
    """Load a variant into this process; raises `Corrupt`, `ModelError` or `ModelOutputInvalid` with the reason."""
    manifest = manifest_of(cache, variant)
    folder = cache / variant.digest
    verify_files(folder, manifest)
    golden = read_golden(folder, manifest)
    flags, place = mark
    with foreign("The model cannot be loaded"):
        runtime = load_runtime(manifest.forms[variant.form].runtime)
        # not before: what ends this process while our own code reads files is not the model's doing
        flags[place] = 1
        try:
            model = runtime.load(folder, manifest, variant.form)
            verify_golden(model, manifest, golden)
            cost = measure(model, batch_from_columns(manifest.signature, golden.inputs.columns))
        finally:
            flags[place] = 0
    return Loaded(manifest, model, cost)


def measure(model: LoadedModel, sample: Batch) -> Cost:
    """What one call costs, fixed and per row: the best of a few calls with one row and with many."""
    one = best_of(lambda: model.predict(sample.slice(0, 1)))
    many = repeated(sample, MEASURED_ROWS)
    per_row = max(0.0, (best_of(lambda: model.predict(many)) - one) / (many.rows - 1))
    return Cost(fixed=max(0.0, one - per_row), per_row=per_row)


def best_of(call: Callable[[], Any]) -> float:
    """The shortest of a few calls, in seconds; the first ones also warm the model up."""
    best, begun = float("inf"), time.perf_counter()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        best = min(best, now - start)
        if now - begun > MEASURED_SECONDS:
            break
    return best


def repeated(sample: Batch, rows: int) -> Batch:
    """The sample's rows again and again, at least two and at most so many."""
    places = [place % sample.rows for place in range(max(2, rows))]
    if sample.matrix is not None:
        return Batch(sample.names, matrix=sample.matrix[places])
    return Batch(sample.names, columns={name: array[places] for name, array in sample.columns.items()})


def selector(contract: Contract, features: Sequence[Column], version: str) -> Callable[[Batch], Batch] | None:
    """How the contract's batch becomes the variant's; None where it is the same. Raises `Refused` when it cannot."""
    for column in features:
        offered = contract.columns.get(column.name)
        if offered is None or offered not in contract.features:
            raise Refused(f"{version} needs the column {column.name!r}, which the endpoint's contract does not have.")
        if (offered.dtype, offered.shape) != (column.dtype, column.shape):
            raise Refused(
                f"{version} needs {column.name!r} as {column.dtype} of shape {list(column.shape)}; "
                f"the endpoint's contract has {offered.dtype} of shape {list(offered.shape)}."
            )
    names = tuple(column.name for column in features)
    if names == contract.names:
        return None
    places = [contract.names.index(name) for name in names]

    def select(batch: Batch) -> Batch:
        if batch.matrix is not None:
            return Batch(names, matrix=batch.matrix[:, places].copy())
        return Batch(names, columns={name: batch.columns[name] for name in names})

    return select


def largest_taken(variants: Iterable[tuple[Variant, Manifest]]) -> float | None:
    """The number, on either side of 0, that all who answer take at most; None where they take any. Raises `Refused`."""
    told = [
        (variant, manifest.forms[variant.form].options[LARGEST])
        for variant, manifest in variants
        if variant.role != "shadow" and LARGEST in manifest.forms[variant.form].options
    ]
    try:
        return min((float(text) for _, text in told), default=None)
    except ValueError as error:
        versions = ", ".join(variant.version for variant, _ in told)
        raise Refused(f"Expected the largest number that {versions} takes as a number: {error}.") from None


def checker(manifest: Manifest) -> Callable[[Outputs, int], None]:
    """Refuses outputs that are no answer; raises `ModelOutputInvalid`."""

    def check(outputs: Outputs, rows: int) -> None:
        check_outputs(outputs, rows, manifest.task, manifest.classes)

    return check


def asker(
    contract: Contract,
    model: LoadedModel,
    select: Callable[[Batch], Batch] | None,
    check: Callable[[Outputs, int], None],
    count: Callable[[int], None],
    mark: CallMark,
) -> Callable[[list[Any]], Answer]:
    """One call of an inline model: the rows of some callers → checked answer. Raises `ModelError`."""
    assemble, predict = contract.assemble, model.predict
    flags, place = mark

    def ask(parts: list[Any]) -> Answer:
        inputs = assemble(parts)
        begun = time.monotonic()
        # should this process die now, the agent sees by what
        flags[place] = 1
        try:
            with MODEL_CALL:
                outputs = predict(inputs if select is None else select(inputs))
        finally:
            flags[place] = 0
        seconds = time.monotonic() - begun
        check(outputs, inputs.rows)
        count(inputs.rows)
        return Answer(inputs, outputs, begun, seconds)

    return ask
