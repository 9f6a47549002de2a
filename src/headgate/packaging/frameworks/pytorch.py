"""PyTorch: exported programs, scripts, and bare weights with the module that takes them."""

import io
import shutil
import sys
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from headgate.errors import Malformed, NotFound, UnsupportedType, Untrusted
from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.attributes import is_estimator
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.distributions import version_of
from headgate.packaging.frameworks.framework import Compiling, Files, Framework, Kept, Needs, Objects, Trust
from headgate.records import Column, Dtype
from headgate.runtimes.batch import Batch
from headgate.runtimes.torch import EXPORTED, PLAIN_TENSORS, SCRIPT, WEIGHTS, library, open_exported

CODE = "code.py"
EXPORT = "Export it: torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))."
NO_EXPORTER = "TorchScript has no exporter; save an exported program (.pt2) instead"


def network_facts(inputs: Sequence[tuple[str, Any]]) -> Facts:
    """What is known of a network that takes these; the example of each input says its shape and dtype."""
    columns = _columns(inputs)
    return Facts(columns, bool(columns) and all(column.shape for column in columns))


def network_layouts(_features: Sequence[Column]) -> tuple[str, ...]:
    """A graph of a network takes what the network does."""
    return ("network",)


def network_scores(model: Any, batch: Batch) -> str:
    """Whether a classifier answers logits, probabilities or labels."""
    scores: str = model.scores(batch)
    return scores


def _columns(inputs: Sequence[tuple[str, Any]]) -> tuple[Column, ...]:
    if len(inputs) == 1 and len(inputs[0][1].shape) == 2:
        width, dtype = inputs[0][1].shape[1], _dtype(inputs[0][1])
        return tuple(Column(name=f"x{place}", dtype=dtype) for place in range(width if isinstance(width, int) else 0))
    return tuple(
        Column(
            name=name,
            dtype=_dtype(tensor),
            shape=tuple(size if isinstance(size, int) else -1 for size in tensor.shape[1:]),
        )
        for name, tensor in inputs
    )


def _dtype(tensor: Any) -> Dtype:
    name = str(tensor.dtype).removeprefix("torch.")
    plain: Dtype = "float32" if name in ("float16", "bfloat16") else name  # type: ignore[assignment]  # the others are dtypes of ours
    return plain


def _kind_of(path: Path, trust: Trust) -> tuple[str, Path | None]:
    """What is in the file, and the code that goes with bare weights.

    Raises `Untrusted` for a pickled module, or for weights without code that the caller trusts by name.
    """
    content = path.read_bytes()
    if path.suffix.lower() == ".pt2":
        return EXPORTED, None
    if content[:2] == b"PK" and _has_script(content):
        return SCRIPT, None
    code = [Path(name) for name in trust if name.endswith(".py")]
    if path.suffix.lower() != ".safetensors":
        _refuse_objects(content)
    if len(code) != 1:
        raise Untrusted(
            f"{path} holds weights without their module. Name one Python file that defines `model`, the module that "
            f"takes them, and trust it by name: --trust-code net.py. Or package an exported program (.pt2)."
        )
    if not code[0].is_file():
        raise NotFound(f"There is no file {code[0]}, which --trust-code names.")
    return WEIGHTS, code[0]


def _has_script(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.partition("/")[2] == "constants.pkl" for name in archive.namelist())
    except zipfile.BadZipFile as error:
        raise Malformed(f"The file is damaged: {error}.") from error


def _refuse_objects(content: bytes) -> None:
    """Raises `Untrusted` for a pickle of anything but tensors."""
    torch = library()
    with PLAIN_TENSORS:
        torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _keep_file(path: Path, folder: Path, trust: Trust) -> Kept:
    """The file with its code."""
    kind, code = _kind_of(path, trust)
    kept = copied(path, folder, ".pt" if path.suffix.lower() == ".pth" else None)
    if code is None:
        return Kept(kept.name, options={"kind": kind})
    shutil.copyfile(code, folder / CODE)
    return Kept(kept.name, trusted=(code.name,), options={"kind": kind, "code": CODE})


def _holds(model: Any) -> bool:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, (torch.export.ExportedProgram, torch.nn.Module)):
        return False
    # there are modules that others know better: Keras' over PyTorch, and estimators that are modules too
    return not type(model).__module__.startswith("keras.") and not is_estimator(model)


def _keep_object(model: Any, folder: Path, trust: Trust) -> Kept:
    """The file of a program or script; raises `UnsupportedType` for a module."""
    import torch

    if isinstance(model, torch.export.ExportedProgram):
        given = folder / "given.pt2"
        torch.export.save(model, given)
    elif isinstance(model, torch.jit.ScriptModule):
        given = folder / "given.pt"
        torch.jit.save(model, given)
    else:
        raise UnsupportedType(f"A module ({type(model).__qualname__}) is code that a bundle cannot hold. {EXPORT}")
    kept = _keep_file(given, folder, trust)
    given.unlink()
    return kept


def _facts(kept: Kept, folder: Path) -> Facts:
    if kept.options.get("kind") != EXPORTED:
        # the file does not say what it takes
        return Facts()
    _, inputs = open_exported((folder / kept.file).read_bytes())
    return network_facts(inputs)


def _refusal(kept: Kept) -> str:
    return NO_EXPORTER if kept.options.get("kind") == SCRIPT else ""


PYTORCH = Framework(
    name="pytorch",
    runtime="torch",
    version=partial(version_of, "torch"),
    facts=_facts,
    compiling=Compiling("headgate.packaging.network_converter:convert_program", network_layouts, _refusal),
    needs=Needs(("torch", "numpy")),
    files=Files((".pt2", ".pt", ".pth", ".safetensors"), _keep_file),
    objects=Objects(_holds, _keep_object),
    scores=network_scores,
)
