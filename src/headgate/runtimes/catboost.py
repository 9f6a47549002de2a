"""CatBoost models from .cbm files, and their wrappers from joblib and pickle files.

`predictions` are classes for losses that classify, else numbers; `probabilities` where the loss gives them. Columns of
categories are given to CatBoost as text or whole numbers, levels that training did not see too.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest
from headgate.errors import ModelError
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.boosted import (
    PICKLES,
    SET_UP,
    Answer,
    BoostedModel,
    Description,
    classified,
    first_line,
    framework,
    task_of,
)
from headgate.runtimes.boundary import foreign
from headgate.runtimes.coding import require_numbers
from headgate.runtimes.forest import LEAF, Forest, Link, Tree, integers, numbers
from headgate.runtimes.frames import matrix_of
from headgate.runtimes.unpickling import unpickle
from headgate.runtimes.verify import PREDICTIONS

LINKS: dict[str, Link] = {
    "Logloss": "sigmoid", "CrossEntropy": "sigmoid", "MultiClass": "softmax", "Poisson": "exp", "Tweedie": "exp",
    "RMSE": "identity", "MAE": "identity", "Quantile": "identity", "MAPE": "identity", "Huber": "identity",
    "LogCosh": "identity", "Lq": "identity", "Expectile": "identity", "MultiRMSE": "identity",
    "YetiRank": "identity", "YetiRankPairwise": "identity", "QueryRMSE": "identity", "QuerySoftMax": "identity",
    "PairLogit": "identity", "PairLogitPairwise": "identity", "StochasticRank": "identity", "LambdaMart": "identity",
}  # fmt: skip
CLASSIFY = ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll")
RANK = ("YetiRank", "YetiRankPairwise", "QueryRMSE", "QuerySoftMax", "PairLogit", "PairLogitPairwise",
        "StochasticRank", "LambdaMart")  # fmt: skip
MAGIC = b"CBM1"


class CatboostRuntime:
    """Loads CatBoost models."""

    name = "catboost"
    preload: tuple[str, ...] = ("numpy", "catboost")

    def load(self, folder: Path, manifest: Manifest, form: str) -> BoostedModel:
        """Load one form; raises `ModelError` with CatBoost's reason, `Untrusted` for a foreign global in a pickle."""
        path = manifest.forms[form].path
        model = load_model(verified_bytes(folder, manifest, path), path, manifest.trusted_code)
        with foreign(SET_UP, first_line):
            return BoostedModel(_plan(model, manifest))


def load_model(content: bytes, name: str, trusted: Sequence[str] = ()) -> Any:
    """The model in a file's bytes; raises as `CatboostRuntime.load` does.

    CatBoost refuses most damaged files itself; on some it dies, which is why a host loads them first.
    """
    catboost = framework("catboost")
    if name.endswith(PICKLES):
        model = unpickle(content, trusted)
    else:
        model = catboost.CatBoost()
        if not content.startswith(MAGIC):
            raise ModelError("Expected a model of CatBoost in its own format, .cbm; the file is another one.")
        with foreign(f"CatBoost {catboost.__version__} cannot load the model", first_line):
            model.load_model(blob=content)
    if not isinstance(model, catboost.CatBoost) or not model.is_fitted():
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise ModelError(f"Expected a fitted model of CatBoost, got a {kind}.")
    return model


def save_model(model: Any) -> tuple[str, bytes]:
    """The file for a model in memory; raises `ModelError` for one that was not fitted."""
    with foreign("CatBoost cannot save the model", first_line):
        return "model.cbm", bytes(model._serialize_model())


def options_of(_model: Any) -> dict[str, str]:
    """What the model needs and a file of CatBoost's does not hold: nothing."""
    return {}


def describe(model: Any) -> Description:
    """Names, levels, task and classes of a model."""
    names = tuple(map(str, model.feature_names_))
    named = any(name != str(place) for place, name in enumerate(names))
    loss = _loss(model)
    # CatBoost keeps hashes of the levels, not the levels
    texts = {*model.get_cat_feature_indices(), *model.get_text_feature_indices()}
    levels = tuple(() if place in texts else None for place in range(len(names)))
    task = task_of(classifies=loss in CLASSIFY, ranks=loss in RANK)
    known = names if named else tuple(f"x{place}" for place in range(len(names)))
    return Description(known, named, levels, task, tuple(model.classes_.tolist()) if task == "classification" else ())


def read_forest(model: Any) -> Forest:
    """The trees; raises `ModelError` for a file that no training has written."""
    with foreign("The trees of the model cannot be read", first_line, "."):
        return _read_forest(_as_json(model), len(model.feature_names_), _loss(model))


def _plan(model: Any, manifest: Manifest) -> Answer:
    numbers_only = not (model.get_cat_feature_indices() or model.get_text_feature_indices())
    if numbers_only:
        require_numbers(manifest.signature.features)
    table = matrix_of if numbers_only else _mixed
    kind = "Exponent" if LINKS.get(_loss(model)) == "exp" else "RawFormulaVal"

    def ask(batch: Batch, kind: str) -> Array:
        answer: Array = model.predict(table(batch), prediction_type=kind, thread_count=1)
        return answer

    if manifest.task == "classification":
        return lambda batch: classified(ask(batch, "Probability"), manifest.classes)
    return lambda batch: {PREDICTIONS: ask(batch, kind)}


def _mixed(batch: Batch) -> Array:
    matrix = np.empty((batch.rows, len(batch.names)), dtype=object)
    for place, column in enumerate(batch.columns.values()):
        matrix[:, place] = column
    return matrix


def _loss(model: Any) -> str:
    """The loss without its settings, as `Quantile` of `Quantile:alpha=0.1`."""
    name: str = str(model.get_all_params().get("loss_function", "")).partition(":")[0]
    return name


def _as_json(model: Any) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory(prefix="headgate-") as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _read_forest(model: Mapping[str, Any], width: int, loss: str) -> Forest:
    scale, bias = model["scale_and_bias"]
    link = LINKS.get(loss, "")
    others = [kind for kind in ("categorical_features", "text_features", "embedding_features") if kind in _used(model)]
    if others:
        told = f"it takes {' and '.join(kind.replace('_', ' ') for kind in others)}, which CatBoost turns into numbers"
        return Forest((), width, tuple(bias), link, True, False, told)
    features = {feature["feature_index"]: feature for feature in model["features_info"]["float_features"]}
    read = _read_symmetric if "oblivious_trees" in model else _read_branching
    trees = [read(tree, features, float(scale)) for tree in model.get("oblivious_trees", model.get("trees", ()))]
    outputs = max((tree.values.shape[1] for tree in trees), default=len(bias))
    base = np.broadcast_to(numbers(bias), (outputs,)) if len(bias) == 1 else numbers(bias)
    refused = "" if link else f"nothing is known of the loss {loss}"
    return Forest(tuple(trees), width, tuple(base.tolist()), link, True, False, refused)


def _used(model: Mapping[str, Any]) -> set[str]:
    return {kind for kind, listed in model["features_info"].items() if listed}


def _read_symmetric(tree: Mapping[str, Any], features: Mapping[int, Any], scale: float) -> Tree:
    """All nodes of a level ask the same; a leaf's number has a bit for each answer."""
    splits = [_split(split, features) for split in tree["splits"] or ()]
    inner = 2 ** len(splits) - 1
    leaves = numbers(tree["leaf_values"]).reshape(inner + 1, -1) * scale
    level = np.repeat(np.arange(len(splits)), 2 ** np.arange(len(splits)))
    # a node's way from the root in bits, and the child that no bit is added for
    paths = np.arange(inner) - (2**level - 1)
    left = 2 ** (level + 1) - 1 + paths
    return Tree(
        _padded(_of_levels(splits, 0, np.int64)[level], inner + 1, LEAF),
        _padded(_of_levels(splits, 1, np.float64)[level], inner + 1, 0.0),
        _padded(left, inner + 1, 0),
        _padded(left + 2**level, inner + 1, 0),
        _padded(~_of_levels(splits, 2, np.bool_)[level], inner + 1, False),
        np.vstack([np.zeros((inner, leaves.shape[1])), leaves]),
    )


def _of_levels(splits: Sequence[tuple[Any, ...]], part: int, dtype: Any) -> Array:
    return np.array([split[part] for split in splits], dtype=dtype)


def _padded(values: Array, count: int, filling: Any) -> Array:
    return np.append(values, np.full(count, filling, dtype=values.dtype))


def _split(split: Mapping[str, Any], features: Mapping[int, Any]) -> tuple[int, float, bool]:
    """Column, border, and whether a missing value is above it."""
    if split["split_type"] != "FloatFeature":
        raise ModelError(f"The trees split by {split['split_type']}, which is no number.")
    feature = features[split["float_feature_index"]]
    return feature["flat_feature_index"], split["border"], feature["nan_value_treatment"] == "AsTrue"


def _read_branching(tree: Mapping[str, Any], features: Mapping[int, Any], scale: float) -> Tree:
    """Trees that are not symmetric are written as nested nodes."""
    nodes, children = [tree], []
    for node in nodes:
        # the list grows while it is gone through
        children.append((len(nodes), len(nodes) + 1) if "split" in node else (0, 0))
        nodes += [node["left"], node["right"]] if "split" in node else []
    splits = [_split(node["split"], features) if "split" in node else (LEAF, 0.0, True) for node in nodes]
    outputs = max(np.size(node.get("value", 0)) for node in nodes)
    values = [np.broadcast_to(node.get("value", 0.0), (outputs,)) for node in nodes]
    return Tree(
        _of_levels(splits, 0, np.int64),
        _of_levels(splits, 1, np.float64),
        integers([left for left, _ in children]),
        integers([right for _, right in children]),
        ~_of_levels(splits, 2, np.bool_),
        np.array(values, dtype=np.float64) * scale,
    )
