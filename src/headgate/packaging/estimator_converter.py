"""A scikit-learn estimator as an ONNX graph, by skl2onnx; in the converter's child."""

from collections.abc import Iterator
from typing import Any

from headgate.packaging.boosting import teach_boosting
from headgate.packaging.forest_converter import forest_bytes
from headgate.packaging.graph import finish
from headgate.packaging.histograms import has_levels, read_histograms
from headgate.packaging.imputing import MISSING_TEXT
from headgate.packaging.request import Request
from headgate.records import Column
from headgate.runtimes.sklearn import load_estimator

OPSETS = {"": 21, "ai.onnx.ml": 3}
ENCODERS = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
KINDS = {"string": "text", "bool": "truth"}


def convert_estimator(request: Request) -> bytes:
    """The graph's bytes; raises whatever skl2onnx raises, or `Refused`."""
    from skl2onnx import convert_sklearn

    model = load_estimator(request.path.read_bytes(), request.manifest.trusted_code, request.path.name)
    if has_levels(model):
        return forest_bytes(request, *read_histograms(model), wide=True)
    teach_boosting()
    for part in _parts(model):
        _prepare(part)
    # without the second, a linear classifier without probabilities is not converted at all
    option = {"zipmap": False} if hasattr(model, "predict_proba") else {"output_class_labels": False}
    # a regressor of CatBoost has classes, none of them
    options = {id(model): option} if len(getattr(model, "classes_", ())) else None
    types = _types(request)
    proto = convert_sklearn(model, name="model", initial_types=types, target_opset=OPSETS, options=options)
    split = [column.name for column in request.features] if request.layout.startswith("split") else []
    finish(proto, request.outputs, split=split)
    proto.ir_version = 10
    written: bytes = proto.SerializeToString(deterministic=True)
    return written


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
        return [("features", number([None, len(request.features)]))]
    return [(column.name, kinds[_kind(column)]([None, 1])) for column in request.features]


def _kind(column: Column) -> str:
    if column.dtype.startswith(("int", "uint")) and not column.nullable:
        return "whole"
    return KINDS.get(column.dtype, "number") if not (column.dtype == "bool" and column.nullable) else "number"
