"""The child that converts: `python -m headgate.packaging.converter`. One JSON request per line in, one answer out.

Libraries are imported before the first request is read, so that a parent can start it early. Its seeds are fixed.
"""

import os
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from headgate.errors import Refused
from headgate.packaging.boosters import BOOSTERS, load_booster
from headgate.packaging.boosting import teach_boosting
from headgate.packaging.forest_graph import Shape, fits_graph, write_forest
from headgate.packaging.graph import finish, widen_trees
from headgate.packaging.histograms import has_levels, read_histograms
from headgate.packaging.imputing import MISSING_TEXT, teach_imputing
from headgate.packaging.network_converter import Network, convert_network
from headgate.runtimes.boundary import Boundary, named
from headgate.runtimes.coding import Levels
from headgate.runtimes.forest import Forest
from headgate.runtimes.sklearn import load_estimator
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

OPSETS = {"": 21, "ai.onnx.ml": 3}
SEED = 0
ENCODERS = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}


class Input(msgspec.Struct, frozen=True):
    """One feature as the graph takes it."""

    name: str
    kind: str  # "number", "whole", "text", "truth"


class Request(msgspec.Struct, frozen=True):
    """Convert the model in one file to another file in one of the `layouts`."""

    model: str
    target: str
    layout: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]  # names for the first outputs
    trusted: tuple[str, ...] = ()
    booster: str = ""  # the framework of boosted trees that it is a model of
    network: Network | None = None  # a PyTorch module instead
    options: dict[str, str] = {}  # of the model's own form


class Answer(msgspec.Struct, frozen=True):
    """Converted, or why not."""

    refused: str = ""


def main() -> None:
    """Answer requests until stdin ends."""
    # whatever a library prints goes to stderr
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    widen_trees()
    teach_imputing()
    answers.write(b"{}\n")
    answers.flush()
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line, type=Request)
        answers.write(msgspec.json.encode(_answer(request)) + b"\n")
        answers.flush()


def _answer(request: Request) -> Answer:
    random.seed(SEED)
    np.random.seed(SEED)
    try:
        # whatever stops the converter is its answer
        with Boundary(lambda error: Refused(named(error)), passing=Refused):
            if request.network is not None:
                convert_network(request.network, Path(request.target))
            else:
                proto = _convert_booster(request) if request.booster else _convert_estimator(request)
                Path(request.target).write_bytes(proto.SerializeToString(deterministic=True))
    except Refused as error:
        return Answer(refused=error.message)
    return Answer()


def _convert_booster(request: Request) -> Any:
    path = Path(request.model)
    model = load_booster(request.booster, path.read_bytes(), path.name, request.trusted)
    told, forest = BOOSTERS[request.booster].describe(model), BOOSTERS[request.booster].read_forest(model)
    if told.task == "classification" and PROBABILITIES not in request.outputs:
        raise Refused("it answers classes without probabilities")
    return _write(request, forest, told.levels, wide=request.layout == "wide")


def _write(request: Request, forest: Forest, levels: Levels, *, wide: bool) -> Any:
    """Raises `Refused` with the reason why there is no graph of it."""
    names = [given.name for given in request.inputs]
    reason = fits_graph(names, levels, forest)
    if reason:
        raise Refused(reason)
    output = PROBABILITIES if PROBABILITIES in request.outputs else PREDICTIONS
    return write_forest(forest, names, levels, Shape(output, wide, request.options.get("missing")))


def _convert_estimator(request: Request) -> Any:
    from skl2onnx import convert_sklearn

    model = load_estimator(Path(request.model).read_bytes(), request.trusted, request.model)
    if has_levels(model):
        return _write(request, *read_histograms(model), wide=True)
    teach_boosting()
    for part in _parts(model):
        _prepare(part)
    # without the second, a linear classifier without probabilities is not converted at all
    option = {"zipmap": False} if hasattr(model, "predict_proba") else {"output_class_labels": False}
    # a regressor of CatBoost has classes, none of them
    options = {id(model): option} if len(getattr(model, "classes_", ())) else None
    types = _types(request)
    proto = convert_sklearn(model, name="model", initial_types=types, target_opset=OPSETS, options=options)
    split = [given.name for given in request.inputs] if request.layout.startswith("split") else []
    finish(proto, request.outputs, split=split)
    proto.ir_version = 10
    return proto


def _parts(model: Any) -> Iterator[Any]:
    """The fitted estimator and all those in it that stand one behind or beside the other."""
    yield model
    inner = [model.best_estimator_] if hasattr(model, "best_estimator_") else []
    inner += [step for _, step, *_ in (*getattr(model, "steps", ()), *getattr(model, "transformers_", ()))]
    for part in inner:
        yield from _parts(part)


def _prepare(part: Any) -> None:
    """Change what the converter reads, but not what the estimator answers."""
    if type(part).__name__ == "VotingClassifier":
        # a shape for transform() only, which the converter insists on
        part.flatten_transform = False
    if type(part).__name__ in ENCODERS:
        part.categories_ = [_spell_missing(levels) for levels in part.categories_]


def _spell_missing(levels: Any) -> Any:
    """Levels of text with missing as onnxruntime spells it, unless that is a level of its own."""
    plain = levels.tolist()
    if levels.dtype.kind != "O" or MISSING_TEXT in plain:
        return levels
    nothing = [level is None or level != level for level in plain]
    spelled = levels.copy()
    spelled[nothing] = MISSING_TEXT
    return spelled


def _types(request: Request) -> list[tuple[str, Any]]:
    from skl2onnx.common import data_types

    number = data_types.FloatTensorType if request.layout.endswith("32") else data_types.DoubleTensorType
    kinds = {
        "number": number,
        "whole": data_types.Int64TensorType if request.layout == "whole" else number,
        "truth": data_types.BooleanTensorType,
        "text": data_types.StringTensorType,
    }
    if request.layout.startswith("matrix"):
        return [("features", number([None, len(request.inputs)]))]
    return [(given.name, kinds[given.kind]([None, 1])) for given in request.inputs]


if __name__ == "__main__":
    main()
