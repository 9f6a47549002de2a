"""Boosted trees as an ONNX graph; in the converter's child."""

from typing import Any

from headgate.errors import Refused
from headgate.packaging.forest_graph import Shape, fits_graph, write_forest
from headgate.packaging.frameworks.registry import framework_named
from headgate.packaging.request import Request
from headgate.runtimes.coding import Levels
from headgate.runtimes.forest import Forest
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES


def convert_forest(request: Request) -> bytes:
    """The graph's bytes; raises `Refused` with the reason why there is none."""
    trees = framework_named(request.manifest.framework).trees
    assert trees is not None
    path = request.path
    model = trees.runtime.load_model(path.read_bytes(), path.name, request.manifest.trusted_code)
    told, forest = trees.runtime.describe(model), trees.runtime.read_forest(model)
    if told.task == "classification" and PROBABILITIES not in request.outputs:
        raise Refused("it answers classes without probabilities")
    return forest_bytes(request, forest, told.levels, wide=request.layout == "wide")


def forest_bytes(request: Request, forest: Forest, levels: Levels, *, wide: bool) -> bytes:
    """The graph of these trees; raises as `convert_forest` does."""
    names = [column.name for column in request.features]
    reason = fits_graph(names, levels, forest)
    if reason:
        raise Refused(reason)
    output = PROBABILITIES if PROBABILITIES in request.outputs else PREDICTIONS
    proto: Any = write_forest(forest, names, levels, Shape(output, wide, request.source.options.get("missing")))
    written: bytes = proto.SerializeToString(deterministic=True)
    return written
