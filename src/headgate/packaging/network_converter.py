"""A PyTorch module as an ONNX graph that answers under our names; in the converter's child."""

from pathlib import Path
from typing import Any

from headgate.packaging.request import Request
from headgate.records import Column
from headgate.runtimes.keras import open_keras
from headgate.runtimes.torch import LABELS, LOGITS, kind_of, load_module, named_outputs

ROWS = 3  # of the example; neither one nor a size of a feature by chance


def convert_program(request: Request) -> bytes:
    """The graph of a PyTorch program or module; raises whatever PyTorch's exporter raises."""
    module, inputs = load_module(Path(request.folder), request.manifest, request.source)
    return _convert(request, module, inputs)


def convert_keras(request: Request) -> bytes:
    """The graph of a Keras model, which is a module over PyTorch; raises the same."""
    module, inputs = open_keras(request.path.read_bytes(), request.manifest.trusted_code)
    return _convert(request, module, inputs)


def _convert(request: Request, module: Any, inputs: list[tuple[str, Any]]) -> bytes:
    import torch

    scores = request.source.options.get("scores", LOGITS) if request.manifest.task == "classification" else ""
    kinds = [tensor.dtype for _, tensor in inputs]
    examples, names = _examples(request.features, kinds, module)
    whole = _whole(module, scores)
    program = torch.onnx.export(
        whole,
        tuple(examples),
        dynamo=True,
        verbose=False,
        input_names=names,
        output_names=["predictions" if scores in ("", LABELS) else "probabilities"],
        dynamic_shapes=(tuple({0: torch.export.Dim.DYNAMIC} for _ in examples),),
    )
    proto = program.model_proto
    _forget_origin(proto)
    written: bytes = proto.SerializeToString(deterministic=True)
    return written


def _whole(module: Any, scores: str) -> Any:
    """The module with what the runtime does after it."""
    import torch

    class Answering(torch.nn.Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, *given: Any) -> Any:
            (answer,) = named_outputs(self.inner(*given), scores).values()
            return answer

    return Answering()


def _examples(features: tuple[Column, ...], kinds: list[Any], module: Any) -> tuple[list[Any], list[str]]:
    """Inputs as the runtime makes them, and their names in the graph."""
    import torch

    usual = kind_of(module)
    if all(not column.shape for column in features):
        return [torch.zeros(ROWS, len(features), dtype=kinds[0] if kinds else usual)], ["features"]
    wanted = kinds or [_kept(getattr(torch, column.dtype), usual) for column in features]
    examples = [torch.zeros(ROWS, *_fixed(column), dtype=kind) for column, kind in zip(features, wanted, strict=True)]
    return examples, [column.name for column in features]


def _kept(kind: Any, usual: Any) -> Any:
    return usual if kind.is_floating_point else kind


def _forget_origin(proto: Any) -> None:
    """Take out where in whose source files each node comes from: the same module gives the same graph."""
    graph = proto.graph
    inner = [node for function in proto.functions for node in function.node]
    parts = [*graph.node, *graph.value_info, *graph.initializer, *graph.input, *graph.output, *proto.functions, *inner]
    for part in (proto, graph, *parts):
        del part.metadata_props[:]
    for part in (graph, *graph.node):
        part.doc_string = ""


def _fixed(column: Column) -> tuple[int, ...]:
    if any(size < 0 for size in column.shape):
        raise ValueError(f"feature {column.name!r} has a free dimension besides the rows")
    return column.shape
