"""Keras 3 models (.keras) on PyTorch: loaded in safe mode, after a look at all that their configuration names.

Keras builds whatever class or function the configuration names, from whatever module. Layers, initialisers and the
like of Keras itself are built; anything else, and layers that hold code (`Lambda`), only when trusted by name.
"""

import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest
from headgate.errors import ModelError, Untrusted
from headgate.runtimes.boundary import foreign, in_a_line
from headgate.runtimes.torch import LOGITS, TorchModel, plan_feed

BACKEND = "torch"
HARMLESS = re.compile(
    r"keras(\.src)?(\.(models|layers|initializers|regularizers|constraints|activations|optimizers|losses|metrics|ops"
    r"|random|dtype_policies)(\.\w+)*)?",
    re.ASCII,
)
# of Keras itself, and code, or files from elsewhere, all the same
CODE = frozenset({"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"})
LAMBDA = "keras.layers.Lambda"


class KerasRuntime:
    """Loads Keras models."""

    name = "keras"
    preload: tuple[str, ...] = ("numpy", "torch")

    def load(self, folder: Path, manifest: Manifest, form: str) -> TorchModel:
        """Load one form; raises `ModelError` with Keras' reason, `Untrusted` naming what nobody has trusted."""
        chosen = manifest.forms[form]
        content = verified_bytes(folder, manifest, chosen.path)
        module, inputs = open_keras(content, manifest.trusted_code)
        feed = plan_feed(module, inputs, manifest.signature.features)
        return TorchModel(module, feed, manifest, chosen.options.get("scores", LOGITS))


def open_keras(content: bytes, trusted: tuple[str, ...]) -> tuple[Any, list[tuple[str, Any]]]:
    """The model as a module of PyTorch, and its inputs as (name, tensor)."""
    unknown = [name for name in foreign_names(content) if name not in trusted]
    if unknown:
        options = " ".join(f"--trust-code {name}" for name in unknown)
        raise Untrusted(f"The Keras model runs code of its own: {', '.join(unknown)}. If you trust it: {options}")
    # read when Keras is imported
    os.environ.setdefault("KERAS_BACKEND", BACKEND)
    try:
        import keras
        import torch
    except ImportError as error:
        raise ModelError(f"The model needs Keras on PyTorch: pip install 'headgate[keras]' ({error}).") from error
    if keras.backend.backend() != BACKEND:
        raise ModelError(f"Keras runs on {keras.backend.backend()} here; set KERAS_BACKEND={BACKEND} before it starts.")
    torch.set_num_threads(1)
    with foreign(f"Keras {keras.__version__} cannot load the model", _briefly):
        # Keras opens files by name only
        with tempfile.TemporaryDirectory(prefix="headgate-keras-") as place:
            path = Path(place) / "model.keras"
            path.write_bytes(content)
            model = keras.saving.load_model(path, compile=False, safe_mode=LAMBDA not in trusted)
        inputs = [(given.name, _example(given)) for given in model.inputs]
        return _as_module(model).eval(), inputs


def foreign_names(content: bytes) -> list[str]:
    """All that the configuration names and that is neither Keras' own nor harmless; raises `ModelError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config = json.loads(archive.read("config.json"))
        return sorted(set(_foreign(config)))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise ModelError(f"The file is no Keras 3 model (.keras): {error}. Save it with model.save(…).") from error


def _foreign(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("class_name"), str) and not _is_own(document):
            named = document["class_name"]
            lambdas = named in ("Lambda", "__lambda__")
            yield LAMBDA if lambdas else f"{document.get('module') or 'keras'}.{named}"
        document = list(document.values())
    for value in document if isinstance(document, list) else ():
        yield from _foreign(value)


def _is_own(document: dict[str, Any]) -> bool:
    """Whether it is one of Keras' own parts without code in it."""
    name, registered = document["class_name"], document.get("registered_name")
    own = HARMLESS.fullmatch(str(document.get("module") or "keras"))
    return bool(own) and name not in CODE and registered in (None, "", name)


def _briefly(error: BaseException) -> str:
    return f"{type(error).__name__}: {in_a_line(error)}"


def _example(given: Any) -> Any:
    import torch

    return torch.empty((2, *(size or 1 for size in given.shape[1:])), dtype=getattr(torch, given.dtype))


def _as_module(model: Any) -> Any:
    import torch

    class Calling(torch.nn.Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: Any) -> Any:
            return self.model(list(given) if len(given) > 1 else given[0], training=False)

    return Calling()
