"""PyTorch models: an exported program (.pt2), TorchScript (.pt), or weights with the code of their module.

The form's option `kind` says which: "exported", "script" or "weights"; with weights, `code` names the Python file whose
`model` is the module that takes them. A single input of rank two takes all features as one matrix; otherwise each
feature is an input, by name or in order. Of a classifier the option `scores` says what it answers: "logits" (the
probabilities are their softmax, or sigmoid where there is one), "probabilities", or "labels".
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Form, Manifest
from headgate.errors import ModelError, Untrusted
from headgate.records import Column
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.boundary import Boundary, answering, foreign
from headgate.runtimes.exported import check_exported
from headgate.runtimes.frames import matrix_of
from headgate.runtimes.python import run_model_file
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

EXPORTED, SCRIPT, WEIGHTS = "exported", "script", "weights"
LOGITS, CHANCES, LABELS = "logits", "probabilities", "labels"
Feed = Callable[[Batch], list[Any]]
PICKLED = (
    "The file holds a pickled object, which runs code when it is loaded. Save the model as an exported program, "
    "torch.export.save(torch.export.export(model, (example,)), 'model.pt2'), or its state_dict with the module's code."
)
# around the loading of nothing but tensors
PLAIN_TENSORS = Boundary(lambda _: Untrusted(PICKLED))


class TorchModel:
    """A module that answers batches."""

    device = "cpu"

    def __init__(self, module: Any, feed: Feed, manifest: Manifest, scores: str) -> None:
        import torch

        self._inference = torch.inference_mode
        self._module = module
        self._feed = feed
        self._scores = scores if manifest.task == "classification" else ""
        self._classes = np.array(
            manifest.classes, object if any(isinstance(c, str) for c in manifest.classes) else None
        )

    @answering()
    def predict(self, batch: Batch) -> Outputs:
        """Answer every row; raises `ModelError` with PyTorch's reason."""
        with self._inference():
            named = named_outputs(self._module(*self._feed(batch)), self._scores)
            outputs = {name: tensor.detach().cpu().numpy() for name, tensor in named.items()}
        return self._with_labels(outputs)

    @answering()
    def scores(self, batch: Batch) -> str:
        """What a classifier is seen to answer: whole numbers are labels, shares of one are probabilities."""
        with self._inference():
            answer = named_outputs(self._module(*self._feed(batch)), "")[PREDICTIONS]
        if not answer.is_floating_point():
            return LABELS
        shares = bool(((answer >= 0) & (answer <= 1)).all())
        whole = answer.ndim < 2 or bool(((answer.sum(dim=1) - 1).abs() < 1e-3).all())
        return CHANCES if shares and whole else LOGITS

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """One part."""
        yield self.predict(batch)

    def close(self) -> None:
        """Drop the module; predict fails afterwards."""
        self._module = None

    def _with_labels(self, outputs: dict[str, Array]) -> Outputs:
        if PREDICTIONS in outputs:
            if not self._scores or not len(self._classes):
                return outputs
            places = outputs[PREDICTIONS]
        else:
            places = outputs[PROBABILITIES].argmax(axis=1)
        return {PREDICTIONS: self._classes[places] if len(self._classes) else places, **outputs}


class TorchRuntime:
    """Loads PyTorch models."""

    name = "torch"
    preload: tuple[str, ...] = ("numpy", "torch")

    def load(self, folder: Path, manifest: Manifest, form: str) -> TorchModel:
        """Load one form; raises `ModelError` with PyTorch's reason, `Untrusted` for a file that would run code."""
        chosen = manifest.forms[form]
        module, inputs = load_module(folder, manifest, chosen)
        feed = plan_feed(module, inputs, manifest.signature.features)
        return TorchModel(module, feed, manifest, chosen.options.get("scores", LOGITS))


def load_module(folder: Path, manifest: Manifest, form: Form) -> tuple[Any, list[tuple[str, Any]]]:
    """The module, ready to answer, and its inputs as (name, tensor) where the file says them."""
    content = verified_bytes(folder, manifest, form.path)
    torch = library()
    # requests are spread over processes
    torch.set_num_threads(1)
    kind = form.options.get("kind", EXPORTED)
    with foreign(f"PyTorch {torch.__version__} cannot load the model", _first_line):
        if kind == EXPORTED:
            return open_exported(content)
        if kind == SCRIPT:
            module = torch.jit.load(io.BytesIO(content), map_location="cpu")
        else:
            code = form.options.get("code", "")
            module = run_model_file(verified_bytes(folder, manifest, code), folder / code)
            module.load_state_dict(read_weights(content))
        return module.eval(), []


def library() -> Any:
    """PyTorch; raises `ModelError` with what to install where it is missing."""
    try:
        import torch
    except ImportError as error:
        raise ModelError(f"The model needs PyTorch: pip install 'headgate[torch]' ({error}).") from error
    return torch


def open_exported(content: bytes) -> tuple[Any, list[tuple[str, Any]]]:
    """The module of an exported program, and its inputs."""
    check_exported(content)
    torch = library()
    program = torch.export.load(io.BytesIO(content))
    tensors = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    inputs = [(name, tensors[name]) for name in program.graph_signature.user_inputs if name in tensors]
    for name, tensor in inputs:
        if isinstance(tensor, torch.Tensor) and (not tensor.shape or isinstance(tensor.shape[0], int)):
            raise ModelError(
                f"The exported program takes {name!r} of {list(tensor.shape)}, a fixed number of rows. Export it with "
                f"a free one: torch.export.export(model, (example,), dynamic_shapes=({{0: torch.export.Dim.DYNAMIC}},))"
            )
    return program.module(), inputs


def read_weights(content: bytes) -> Any:
    """The state dict in a .safetensors or .pt file; raises `Untrusted` for one with anything but tensors in it."""
    if content[:2] == b"PK" or content[:1] == b"\x80":
        import torch

        with PLAIN_TENSORS:
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    try:
        from safetensors.torch import load

        return load(content)
    except ImportError as error:
        raise ModelError(f"The weights need safetensors: pip install 'headgate[torch]' ({error}).") from error


def plan_feed(module: Any, inputs: Sequence[tuple[str, Any]], features: Sequence[Column]) -> Feed:
    """How a batch becomes the module's arguments; raises `ModelError` for features that are no tensors."""
    import torch

    for column in features:
        if column.dtype in ("string", "bytes", "datetime"):
            raise ModelError(f"Feature {column.name!r} is {column.dtype}; PyTorch takes numbers. Encode it beforehand.")
    if _takes_matrix(inputs, features):
        kind = inputs[0][1].dtype if inputs else kind_of(module)
        return lambda batch: [torch.tensor(matrix_of(batch), dtype=kind)]
    if inputs and len(inputs) != len(features):
        names = ", ".join(name for name, _ in inputs)
        raise ModelError(f"The model takes {len(inputs)} inputs ({names}), the signature has {len(features)}.")
    return _column_feed(_in_order(inputs, features), [tensor.dtype for _, tensor in inputs], kind_of(module))


def _takes_matrix(inputs: Sequence[tuple[str, Any]], features: Sequence[Column]) -> bool:
    if any(column.shape for column in features):
        return False
    return not inputs or (len(inputs) == 1 and len(inputs[0][1].shape) == 2)


def _in_order(inputs: Sequence[tuple[str, Any]], features: Sequence[Column]) -> list[str]:
    """The features in the order of the inputs of their names, else in their own."""
    named, known = [name for name, _ in inputs], [column.name for column in features]
    return named if set(named) == set(known) else known


def _column_feed(order: Sequence[str], kinds: Sequence[Any], usual: Any) -> Feed:
    import torch

    def feed(batch: Batch) -> list[Any]:
        tensors = [torch.tensor(batch.columns[name]) for name in order]
        if kinds:
            return [tensor.to(kind) for tensor, kind in zip(tensors, kinds, strict=True)]
        return [tensor.to(usual) if tensor.is_floating_point() else tensor for tensor in tensors]

    return feed


def named_outputs(answer: Any, scores: str) -> dict[str, Any]:
    """What a module answers, under our names; of a classifier's scores the probabilities [rows, classes]."""
    main = _main_output(answer)
    if scores in ("", LABELS):
        return {PREDICTIONS: main.reshape(-1) if main.ndim == 2 and main.shape[1] == 1 else main}
    return {PROBABILITIES: _chances(main.reshape(-1, 1) if main.ndim == 1 else main, scores)}


def _main_output(answer: Any) -> Any:
    if isinstance(answer, Mapping):
        named = [answer[name] for name in (PREDICTIONS, "logits") if name in answer]
        return (named or list(answer.values()))[0]
    return answer[0] if isinstance(answer, list | tuple) else answer


def _chances(scores: Any, kind: str) -> Any:
    import torch

    if scores.shape[1] > 1:
        return scores if kind == CHANCES else torch.softmax(scores, dim=1)
    second = scores if kind == CHANCES else torch.sigmoid(scores)
    return torch.cat([1 - second, second], dim=1)


def kind_of(module: Any) -> Any:
    """The dtype that a module computes in."""
    import torch

    kinds = (parameter.dtype for parameter in module.parameters() if parameter.is_floating_point())
    return next(kinds, torch.float32)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
