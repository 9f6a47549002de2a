"""A PyTorch module as an ONNX graph that answers under our names; in the converter's child."""

from pathlib import Path
from typing import Any

import msgspec

from headgate.bundle.manifest import Manifest
from headgate.records import Column
from headgate.runtimes.torch import LABELS, LOGITS, kind_of, load_module, named_outputs

ROWS = 3  # of the example; neither one nor a size of a feature by chance


class Network(msgspec.Struct, frozen=True):
    """Convert one form of the draft in a folder."""

    manifest: Manifest
    folder: str
    form: str


def convert_network(network: Network, target: Path) -> None:
    """Write the graph; raises whatever PyTorch's exporter raises."""
    import torch

    manifest, features = network.manifest, network.manifest.signature.features
    form = manifest.forms[network.form]
    module, inputs = load_module(Path(network.folder), manifest, form)
    scores = form.options.get("scores", LOGITS) if manifest.task == "classification" else ""
    kinds = [tensor.dtype for _, tensor in inputs]
    examples, names = _examples(features, kinds, module)
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
    target.write_bytes(proto.SerializeToString(deterministic=True))


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


def _forget_origin(proto: Any) -> None:
    """Take out where in whose source files each node comes from: the same module gives the same graph."""
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        del part.metadata_props[:]
    for part in (*proto.graph.input, *proto.graph.output, *proto.functions):
        del part.metadata_props[:]
    for function in proto.functions:
        for node in function.node:
            del node.metadata_props[:]
    for part in (*proto.graph.node, proto.graph):
        part.doc_string = ""


def _examples(features: tuple[Column, ...], kinds: list[Any], module: Any) -> tuple[list[Any], list[str]]:
    """Inputs as the runtime makes them, and their names in the graph."""
    import torch

    usual = kind_of(module)
    if all(not column.shape for column in features):
        return [torch.zeros(ROWS, len(features), dtype=kinds[0] if kinds else usual)], ["features"]
    if any(min(column.shape, default=0) < 0 for column in features):
        raise ValueError("a free dimension besides the rows")
    chosen = kinds or [_kind_as(column, usual) for column in features]
    examples = [torch.zeros(ROWS, *column.shape, dtype=kind) for column, kind in zip(features, chosen, strict=True)]
    return examples, [column.name for column in features]


def _kind_as(column: Column, usual: Any) -> Any:
    """The module's own kind for what is a fraction."""
    import torch

    kind = getattr(torch, column.dtype)
    return usual if kind.is_floating_point else kind
