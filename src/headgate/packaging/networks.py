"""PyTorch models on their way into a bundle: what kind of file it is, what it takes, what its scores are."""

import io
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from headgate.errors import Malformed, NotFound, UnsupportedType, Untrusted
from headgate.records import Column, Dtype
from headgate.runtimes.keras import foreign_names, open_keras
from headgate.runtimes.torch import EXPORTED, PLAIN_TENSORS, SCRIPT, WEIGHTS, library, open_exported

SUFFIXES = (".pt2", ".pt", ".pth", ".safetensors", ".keras")
FRAMEWORK = "pytorch"
KERAS = "keras"
CODE = "code.py"
EXPORT = "Export it: torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))."


def refuse_kept_elsewhere(path: Path) -> None:
    """Raises `UnsupportedType` with the way round for TensorFlow's own formats, which need TensorFlow (1.5 GB)."""
    if (path / "saved_model.pb").is_file():
        raise UnsupportedType(
            f"{path} is a TensorFlow SavedModel. Convert it where TensorFlow is: "
            f"python -m tf2onnx.convert --saved-model {path} --output model.onnx, and package model.onnx."
        )
    if path.suffix.lower() in (".h5", ".hdf5"):
        raise UnsupportedType(
            f"{path} is in Keras' old format, which may hold code. Load it where it was made, "
            f"model.save('model.keras'), and package that."
        )


def kind_of(path: Path, trust_code: tuple[str, ...]) -> tuple[str, Path | None]:
    """What is in the file, and the code that goes with bare weights.

    Raises `Untrusted` for a pickled module, or for weights without code that the caller trusts by name.
    """
    content = path.read_bytes()
    if path.suffix.lower() == ".pt2":
        return EXPORTED, None
    if path.suffix.lower() == ".keras":
        return KERAS, None
    if content[:2] == b"PK" and _has_script(content):
        return SCRIPT, None
    code = [Path(name) for name in trust_code if name.endswith(".py")]
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


def keep_network(path: Path, folder: Path, trust_code: tuple[str, ...]) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """Put the file into the folder, with its code; its name there, the form's options, what is trusted."""
    kind, code = kind_of(path, trust_code)
    kept = f"model{'.pt' if path.suffix.lower() == '.pth' else path.suffix.lower()}"
    shutil.copyfile(path, folder / kept)
    if kind == KERAS:
        return kept, {}, tuple(name for name in foreign_names(path.read_bytes()) if name in trust_code)
    if code is None:
        return kept, {"kind": kind}, ()
    shutil.copyfile(code, folder / CODE)
    return kept, {"kind": kind, "code": CODE}, (code.name,)


def dump_network(model: Any, folder: Path) -> Path | None:
    """The file of a program or script in memory; None for what is neither. Raises `UnsupportedType` for a module."""
    if type(model).__module__.startswith("keras."):
        model.save(folder / "given.keras")
        return folder / "given.keras"
    if not type(model).__module__.startswith("torch.") and not _is_module(model):
        return None
    import torch

    if isinstance(model, torch.export.ExportedProgram):
        torch.export.save(model, folder / "given.pt2")
        return folder / "given.pt2"
    if isinstance(model, torch.jit.ScriptModule):
        torch.jit.save(model, folder / "given.pt")
        return folder / "given.pt"
    if isinstance(model, torch.nn.Module):
        raise UnsupportedType(f"A module ({type(model).__qualname__}) is code that a bundle cannot hold. {EXPORT}")
    return None


def network_columns(path: Path, options: dict[str, str], trusted: tuple[str, ...]) -> tuple[Column, ...]:
    """The features of an exported program or Keras model; nothing where the file does not say them."""
    if path.suffix == ".keras":
        _, inputs = open_keras(path.read_bytes(), trusted)
    elif options.get("kind") == EXPORTED:
        _, inputs = open_exported(path.read_bytes())
    else:
        return ()
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


def _is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _dtype(tensor: Any) -> Dtype:
    name = str(tensor.dtype).removeprefix("torch.")
    plain: Dtype = "float32" if name in ("float16", "bfloat16") else name  # type: ignore[assignment]  # the others are dtypes of ours
    return plain
