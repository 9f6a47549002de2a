"""ONNX: a graph says itself what it takes and answers, and is the form that serves."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from headgate.errors import SignatureMismatch
from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.distributions import version_of
from headgate.packaging.frameworks.framework import Files, Framework, Kept, Needs, Objects, Trust
from headgate.records import Column, Dtype, Task
from headgate.runtimes.onnx import DTYPES
from headgate.runtimes.onnx_session import open_session

FILE = "model.onnx"
LABELS = ("predictions", "label", "output_label", "labels")


def _holds(model: Any) -> bool:
    return type(model).__module__.startswith("onnx.") and hasattr(model, "SerializeToString")


def _keep_file(path: Path, folder: Path, _trust: Trust) -> Kept:
    return Kept(copied(path, folder).name)


def _keep_object(model: Any, folder: Path, _trust: Trust) -> Kept:
    (folder / FILE).write_bytes(model.SerializeToString(deterministic=True))
    return Kept(FILE)


def _facts(kept: Kept, folder: Path) -> Facts:
    path = folder / kept.file
    session = open_session(path.read_bytes())
    inputs, outputs = session.get_inputs(), session.get_outputs()
    for given in inputs:
        if given.type not in DTYPES:
            raise SignatureMismatch(f"{path.name} takes {given.name!r} as {given.type}, which is no column or matrix.")
    kinds = {output.name: output.type for output in outputs}
    named = any(name in LABELS for name in kinds) or "probabilities" in kinds
    discrete = any(kind in ("tensor(int64)", "tensor(string)") for kind in kinds.values())
    task: Task = "classification" if discrete and (named or len(kinds) > 1) else "regression"
    return Facts(tuple(_onnx_columns(inputs)), not _is_matrix(inputs), task)


def _is_matrix(inputs: Sequence[Any]) -> bool:
    return len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] != 1


def _onnx_columns(inputs: Sequence[Any]) -> Iterator[Column]:
    if _is_matrix(inputs):
        width = inputs[0].shape[1]
        dtype = _dtype(inputs[0])
        yield from (Column(name=f"x{place}", dtype=dtype) for place in range(width if isinstance(width, int) else 0))
        return
    for given in inputs:
        sizes = [size if isinstance(size, int) else -1 for size in given.shape[1:]]
        yield Column(name=given.name, dtype=_dtype(given), shape=() if sizes in ([], [1]) else tuple(sizes))


def _dtype(given: Any) -> Dtype:
    name = DTYPES[given.type].name
    plain: Dtype = "string" if name == "object" else "float32" if name == "float16" else name  # type: ignore[assignment]  # all other names are dtypes of ours
    return plain


ONNX = Framework(
    name="onnx",
    runtime="onnx",
    version=partial(version_of, "onnxruntime"),
    facts=_facts,
    compiling="It came as ONNX.",
    needs=Needs(("onnxruntime",), closed=True),
    files=Files((".onnx",), _keep_file),
    objects=Objects(_holds, _keep_object),
    form="onnx",
)
