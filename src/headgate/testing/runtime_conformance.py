"""What every runtime owes its callers. Run it over the table of runtimes with one small bundle per runtime.

A case's model answers any two numeric features `a` and `b`, unless its case has another signature; what it answers is
up to it.
"""

import bz2
import dataclasses
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import numpy as np

from headgate.bundle import bundle
from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import Corrupt, Forbidden, HeadgateError, ModelError
from headgate.records import Column, Signature, Task
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.parts import joined
from headgate.runtimes.registry import RUNTIMES, load_runtime
from headgate.runtimes.runtime import LoadedModel
from headgate.runtimes.verify import PREDICTIONS, check_outputs
from headgate.testing.bundles import BuiltBundle, write_bundle

SIGNATURE = Signature(inputs=(Column(name="a", dtype="float64"), Column(name="b", dtype="float64")))
FORM = "native"
# of all that is a model anywhere: a loader does not choose a laxer reader by the name of a file
SUFFIXES = (".joblib", ".pkl", ".onnx", ".py", ".json", ".txt", ".ubj", ".cbm", ".pt2", ".npy", ".skops", ".h5", ".bin")


@dataclasses.dataclass(frozen=True)
class RuntimeCase:
    """One runtime and the files of models for it."""

    name: str
    file: str  # path inside the bundle
    content: bytes  # a model of the two features that answers
    failing: bytes | None = None  # one that loads and raises in predict
    harmful: bytes | None = None  # one that would run code when loaded unguarded; None for formats that are code
    task: Task = "regression"
    classes: tuple[Any, ...] = ()
    trusted_code: tuple[str, ...] = ()
    signature: Signature = SIGNATURE
    path: str = ""  # of the form, where it is no single file
    more: Mapping[str, bytes] = dataclasses.field(default_factory=dict)  # files beside the first
    options: dict[str, str] = dataclasses.field(default_factory=dict)  # of the form

    def bundle(self, cache: Path, content: bytes | None = None) -> BuiltBundle:
        """The case's bundle, with these bytes for the model file."""
        manifest = Manifest(
            name="case",
            framework=self.name,
            task=self.task,
            classes=self.classes,
            signature=self.signature,
            forms={FORM: Form(runtime=self.name, path=self.path or self.file, options=self.options)},
            serves=FORM,
            environment=Environment(python="3.11"),
            files={},
            trusted_code=self.trusted_code,
        )
        return write_bundle(cache, manifest, {**self.more, self.file: self.content if content is None else content})

    def load(self, cache: Path, content: bytes | None = None) -> LoadedModel:
        """The case's model, loaded by its runtime."""
        built = self.bundle(cache, content)
        return load_runtime(self.name).load(built.folder, built.manifest, FORM)


def rows(case: RuntimeCase, count: int = 5) -> Batch:
    """Some rows, as the request path makes them."""
    numbers = np.linspace(-1, 1, count)
    texts = ["a few words" if row % 2 else "words" for row in range(count)]
    columns = {
        column.name: texts if column.dtype == "string" else numbers[:: -1 if place % 2 else 1]
        for place, column in enumerate(case.signature.features)
    }
    return batch_from_columns(case.signature, columns)


def check_name_and_preload(case: RuntimeCase, cache: Path) -> None:
    """It knows its name in the table, and what a template should import."""
    runtime = load_runtime(case.name)
    assert runtime.name == case.name
    assert case.name in RUNTIMES
    assert all(isinstance(module, str) for module in runtime.preload)


def check_answers(case: RuntimeCase, cache: Path) -> None:
    """One valid answer per row, on the device it names."""
    model = case.load(cache)
    outputs = model.predict(rows(case))
    check_outputs(outputs, 5, case.task, case.classes)
    assert model.device.split(":")[0] in {"cpu", "cuda", "mps"}
    model.close()


def check_batching_changes_nothing(case: RuntimeCase, cache: Path) -> None:
    """Rows answered together are answered as alone, whether they come as matrix or as columns."""
    model, batch = case.load(cache), rows(case)
    together = model.predict(batch)
    alone = [model.predict(batch.slice(row, row + 1)) for row in range(batch.rows)]
    as_columns = model.predict(Batch(batch.names, columns=dict(batch.columns)))
    for name, answered in together.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in alone]), answered)
        np.testing.assert_array_equal(as_columns[name], answered)


def check_input_stays(case: RuntimeCase, cache: Path) -> None:
    """The batch is the caller's: it is not written to."""
    batch = rows(case)
    before = {name: array.copy() for name, array in batch.columns.items()}
    case.load(cache).predict(batch)
    for name, array in batch.columns.items():
        np.testing.assert_array_equal(array, before[name])


def check_stream(case: RuntimeCase, cache: Path) -> None:
    """The parts of a stream, together, are the answer."""
    model, batch = case.load(cache), rows(case)
    parts = list(model.stream(batch))
    assert all(len(part[PREDICTIONS]) == batch.rows for part in parts)
    np.testing.assert_array_equal(joined(parts)[PREDICTIONS], model.predict(batch)[PREDICTIONS])


def check_failure_is_translated(case: RuntimeCase, cache: Path) -> None:
    """What the framework raises in predict leaves as `ModelError` with the reason."""
    if case.failing is None:
        return
    model = case.load(cache, case.failing)
    error = _raised(lambda: model.predict(rows(case)))
    assert isinstance(error, ModelError)
    assert error.message


class BrokenBatch(Batch):
    """Rows that raise as soon as a model looks at them, as what a framework does with them may."""

    def __init__(self, like: Batch, error: BaseException) -> None:
        super().__init__(like.names, columns=dict(like.columns))
        self._error = error

    @property
    def columns(self) -> Mapping[str, Array]:
        raise self._error


def check_whatever_predict_raises_is_translated(case: RuntimeCase, cache: Path) -> None:
    """Errors of any kind, an attempt to end the process among them, leave as `ModelError` with what was raised.

    Errors of ours too: a model that was told `Forbidden` elsewhere does not forbid anything to whoever asks it.
    """
    model = case.load(cache)
    for raised in (ValueError("odd rows"), MemoryError(), SystemExit(3), Forbidden("elsewhere")):
        broken = BrokenBatch(rows(case), raised)
        for ask in (model.predict, lambda batch: list(model.stream(batch))):
            error = _raised(partial(ask, broken))
            assert isinstance(error, ModelError), f"{raised!r} → {error!r}"
            assert error.__cause__ is raised
            assert "on 5 rows" in error.message and str(raised) in error.message


def check_damage_is_refused(case: RuntimeCase, cache: Path) -> None:
    """Half a file, no file and another file are errors of ours, not of the framework."""
    for content in (case.content[: len(case.content) // 2], b"", b"\x00" * 100):
        error = _raised(partial(case.load, cache, content))
        assert isinstance(error, HeadgateError), f"{content[:20]!r} → {error!r}"


def check_bytes_are_verified(case: RuntimeCase, cache: Path) -> None:
    """Only the bytes that the manifest names are loaded: neither changed ones nor what a link points to."""
    built = case.bundle(cache)
    path, runtime = built.folder / case.file, load_runtime(case.name)
    path.write_bytes(case.content + b"\n")
    assert isinstance(_raised(lambda: runtime.load(built.folder, built.manifest, FORM)), Corrupt)
    path.unlink()
    elsewhere = built.folder.parent / "elsewhere"
    elsewhere.write_bytes(case.content)
    path.symlink_to(elsewhere)
    assert isinstance(_raised(lambda: runtime.load(built.folder, built.manifest, FORM)), Corrupt)
    unnamed = msgspec.structs.replace(built.manifest, files={})
    assert isinstance(_raised(lambda: runtime.load(built.folder, unnamed, FORM)), Corrupt)


def check_what_was_hashed_is_loaded(case: RuntimeCase, cache: Path) -> None:
    """A file that is exchanged as soon as it was read changes nothing: no loader opens it a second time."""
    built, runtime = case.bundle(cache), load_runtime(case.name)
    expected = runtime.load(built.folder, built.manifest, FORM).predict(rows(case))
    path = built.folder / case.file
    read = []

    @contextmanager
    def exchanged(*arguments: Any, **named: Any) -> Iterator[Any]:
        with open(*arguments, **named) as file:  # noqa: PTH123  # stands for the `open` that it replaces
            yield file
        read.append(str(arguments[0]))
        if read[-1] == str(path):
            path.write_bytes(b"exchanged")

    with mock.patch.object(bundle, "open", exchanged, create=True):
        model = runtime.load(built.folder, built.manifest, FORM)
    assert read.count(str(path)) == 1
    for name, answered in model.predict(rows(case)).items():
        np.testing.assert_array_equal(answered, expected[name])


def check_pickles_are_refused(case: RuntimeCase, cache: Path) -> None:
    """A pickle that does something is refused under whatever name, and no laxer reader takes it up after that."""
    canary = cache / "canary"
    # the files of a folder have their names
    names = [case.file] if case.path else [f"model{suffix}" for suffix in SUFFIXES]
    for content in gadgets(canary):
        for name in names:
            renamed = dataclasses.replace(case, file=name, trusted_code=())
            error = _raised(partial(renamed.load, cache, content))
            assert isinstance(error, HeadgateError), f"{name} {content[:40]!r} → {error!r}"
            assert not canary.exists(), f"{name} {content[:40]!r} was run"


def gadgets(canary: Path) -> tuple[bytes, ...]:
    """Pickles that make the folder `canary`: plainly, behind a whole pickle, and before they break; bare or packed."""
    call = b"cos\nmkdir\n(" + f"V{canary}\n".encode() + b"tR"
    by_stack = b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93" + f"(V{canary}\n".encode() + b"tR"
    popped = call + b"0N."
    plain = (call + b".", by_stack + b".", popped, call + b"\xff", b"N." + call + b".", b"(" + call + b"l.")
    return (*plain, zlib.compress(plain[0]), gzip.compress(plain[0]), bz2.compress(plain[0]), lzma.compress(plain[0]))


def check_harm_is_refused(case: RuntimeCase, cache: Path) -> None:
    """A file with code in it is refused before the code runs; the case's test looks for the traces."""
    if case.harmful is not None:
        assert isinstance(_raised(lambda: case.load(cache, case.harmful)), HeadgateError)


def check_nothing_is_written(case: RuntimeCase, cache: Path) -> None:
    """The bundle's folder is as it was: another file in it would make the bundle corrupt."""
    built = case.bundle(cache)
    before = sorted(built.folder.rglob("*"))
    load_runtime(case.name).load(built.folder, built.manifest, FORM).predict(rows(case))
    assert sorted(built.folder.rglob("*")) == before


CHECKS: tuple[Callable[[RuntimeCase, Path], None], ...] = (
    check_name_and_preload, check_answers, check_batching_changes_nothing, check_input_stays, check_stream,
    check_failure_is_translated, check_whatever_predict_raises_is_translated, check_damage_is_refused,
    check_bytes_are_verified, check_what_was_hashed_is_loaded, check_pickles_are_refused, check_harm_is_refused,
    check_nothing_is_written,
)  # fmt: skip


def _raised(action: Callable[[], object]) -> BaseException | None:
    try:
        action()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever is raised is what is looked at
        return error
    return None
