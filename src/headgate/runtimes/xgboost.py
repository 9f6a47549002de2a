"""XGBoost models from .ubj and .json files, and their scikit-learn wrappers from joblib and pickle files.

`predictions` are classes for objectives that classify, else numbers; `probabilities` where the objective gives them.
Where early stopping has kept a best iteration, it answers. Columns of categories take the levels of the training frame,
a level that it did not have is an error, as in XGBoost. The form's option `missing` is the number that stands for none.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
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
    BoostedModel,
    Description,
    classified,
    first_line,
    framework,
    softmax,
    task_of,
)
from headgate.runtimes.boundary import foreign
from headgate.runtimes.coding import Levels, ToMatrix, matrix_coder
from headgate.runtimes.forest import LEAF, Forest, Link, Tree, check_forest, integers, numbers
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.ubjson import read_ubjson
from headgate.runtimes.unpickling import unpickle
from headgate.runtimes.verify import PREDICTIONS

LINKS: dict[str, Link] = {
    "binary:logistic": "sigmoid", "reg:logistic": "sigmoid", "binary:logitraw": "identity",
    "multi:softprob": "softmax", "multi:softmax": "softmax",
    "count:poisson": "exp", "reg:gamma": "exp", "reg:tweedie": "exp", "survival:cox": "exp", "survival:aft": "exp",
    "reg:squarederror": "identity", "reg:squaredlogerror": "identity", "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity", "reg:quantileerror": "identity", "reg:expectileerror": "identity",
    "rank:pairwise": "identity", "rank:ndcg": "identity", "rank:map": "identity",
}  # fmt: skip
# objectives whose beginning of the sum is written as the answer that it would give
LOGIT = ("binary:logistic", "reg:logistic")
TREES = ("gbtree", "dart")


class XgboostRuntime:
    """Loads XGBoost models."""

    name = "xgboost"
    preload: tuple[str, ...] = ("numpy", "xgboost")

    def load(self, folder: Path, manifest: Manifest, form: str) -> BoostedModel:
        """Load one form; raises `ModelError` with XGBoost's reason, `Untrusted` for a foreign global in a pickle."""
        chosen = manifest.forms[form]
        model = load_model(verified_bytes(folder, manifest, chosen.path), chosen.path, manifest.trusted_code)
        missing = chosen.options.get("missing", options_of(model).get("missing", "nan"))
        with foreign(SET_UP, first_line):
            booster = booster_of(model)
            booster.set_param({"nthread": 1})
            learner = _learner(booster)
            code = matrix_coder(manifest.signature.features, _levels(learner), closed=True)
            return BoostedModel(_Plan(booster, learner, float(missing)).answer(code, manifest))


def load_model(content: bytes, name: str, trusted: Sequence[str] = ()) -> Any:
    """The `Booster` or wrapper in a file's bytes, its trees checked; raises as `XgboostRuntime.load` does."""
    xgboost = framework("xgboost")
    if name.endswith(PICKLES):
        model = unpickle(content, trusted)
    else:
        _check_whole(content)
        model = xgboost.Booster()
        with foreign(f"XGBoost {xgboost.__version__} cannot load the model", first_line):
            model.load_model(bytearray(content))
    if not isinstance(model, xgboost.Booster | xgboost.XGBModel):
        raise ModelError(f"Expected a model of XGBoost, got a {type(model).__module__}.{type(model).__qualname__}.")
    check_forest(read_forest(model))
    return model


def _check_whole(content: bytes) -> None:
    """XGBoost dies of files that end early; raises `ModelError` for those."""
    if not content.startswith(b"{"):
        raise ModelError("Expected a model of XGBoost, JSON or UBJSON; the file is another one.")
    if content[1:2] in (b"L", b"i", b"U", b"I", b"l", b"$", b"#"):
        read_ubjson(content)
        return
    try:
        json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"The model file is damaged JSON: {error}.") from error


def save_model(model: Any) -> tuple[str, bytes]:
    """The file for a model in memory; raises `ModelError` for one that was not fitted."""
    with foreign("XGBoost cannot save the model", first_line):
        return "model.ubj", bytes(booster_of(model).save_raw("ubj"))


def options_of(model: Any) -> dict[str, str]:
    """What the model needs and a file of XGBoost's does not hold."""
    missing = getattr(model, "missing", np.nan)
    return {} if missing is None or missing != missing else {"missing": repr(float(missing))}


def booster_of(model: Any) -> Any:
    """The `Booster` in a wrapper, or itself."""
    return model.get_booster() if hasattr(model, "get_booster") else model


def describe(model: Any) -> Description:
    """Names, levels, task and classes of a `Booster` or wrapper."""
    booster = booster_of(model)
    learner = _learner(booster)
    objective, classes = learner["objective"]["name"], _class_count(learner)
    names = booster.feature_names
    known = tuple(names) if names else tuple(f"x{place}" for place in range(_width(learner)))
    # a Booster's raw margins are numbers; a classifier makes classes of them
    classifies = objective.startswith(("binary:", "multi:")) and (
        objective != "binary:logitraw" or hasattr(model, "classes_")
    )
    task = task_of(classifies=classifies, ranks=objective.startswith("rank:"))
    return Description(
        known, bool(names), _levels(learner), task, tuple(range(classes)) if task == "classification" else ()
    )


def read_forest(model: Any) -> Forest:
    """The trees up to the best iteration; raises `ModelError` for a file that no training has written."""
    booster = booster_of(model)
    learner = _learner(booster)
    try:
        return _read_forest(learner, _end(booster))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"The model file holds a damaged tree: {type(error).__name__}: {error}.") from error


class _Plan:
    """How a booster is asked."""

    def __init__(self, booster: Any, learner: Mapping[str, Any], missing: float) -> None:
        self.booster = booster
        self.objective = learner["objective"]["name"]
        self.trees = learner["gradient_booster"]["name"] in TREES
        self.missing = missing
        self.range = (0, _end(booster))

    def ask(self, matrix: Array, kind: str = "value") -> Array:
        """The booster's numbers, [rows] or [rows, outputs]."""
        answer: Array
        if self.trees:
            answer = self.booster.inplace_predict(
                matrix, iteration_range=self.range, predict_type=kind, missing=self.missing, validate_features=False
            )
        else:
            rows = framework("xgboost").DMatrix(matrix, missing=self.missing, nthread=1)
            answer = self.booster.predict(rows, output_margin=kind == "margin", validate_features=False)
        return answer

    def answer(self, code: ToMatrix, manifest: Manifest) -> Any:
        """From a batch to outputs, as the objective gives them."""
        if manifest.task != "classification":
            return lambda batch: {PREDICTIONS: self.ask(code(batch))}
        if self.objective.startswith("multi:"):
            return lambda batch: classified(softmax(self.ask(code(batch), "margin")), manifest.classes)
        if self.objective in ("binary:logitraw", "binary:hinge"):
            return lambda batch: self._halved(code, batch, manifest.classes)
        return lambda batch: classified(self.ask(code(batch)), manifest.classes)

    def _halved(self, code: ToMatrix, batch: Batch, classes: Sequence[Any]) -> Outputs:
        """Margins are no probabilities; XGBoost's own classifier cuts them at a half, and so is it here."""
        labels = (self.ask(code(batch)) > 0.5).astype(np.int64)
        return {PREDICTIONS: np.array(classes)[labels] if classes else labels}


def _learner(booster: Any) -> dict[str, Any]:
    learner: dict[str, Any] = read_ubjson(bytes(booster.save_raw("ubj")))["learner"]
    return learner


def _end(booster: Any) -> int:
    """One past the best iteration; 0 stands for all."""
    best = booster.attr("best_iteration")
    return int(best) + 1 if best is not None else 0


def _width(learner: Mapping[str, Any]) -> int:
    return int(learner["learner_model_param"]["num_feature"])


def _class_count(learner: Mapping[str, Any]) -> int:
    return max(2, int(learner["learner_model_param"]["num_class"]))


def _levels(learner: Mapping[str, Any]) -> Levels:
    """What the training frame's categories were, where it was a frame."""
    kept = learner["gradient_booster"].get("model", {}).get("cats", {}).get("enc", [])
    levels = [_level_names(encoded) for encoded in kept]
    return levels if len(levels) == _width(learner) else [None] * _width(learner)


def _level_names(encoded: Mapping[str, Any]) -> tuple[Any, ...] | None:
    values, offsets = encoded["values"], encoded.get("offsets")
    if not len(values):
        return None
    if offsets is None or not len(offsets):
        return tuple(np.asarray(values).tolist())
    text = np.asarray(values, dtype=np.int8).tobytes()
    if not text.isascii():
        raise ModelError(
            "XGBoost has cut the names of the categories, as it does where one is not plain ASCII: they are lost. "
            "Rename them and train again, or encode them in a pipeline of scikit-learn."
        )
    return tuple(text[start:stop].decode() for start, stop in zip(offsets, offsets[1:], strict=False))


def _read_forest(learner: Mapping[str, Any], end: int) -> Forest:
    objective, booster = learner["objective"]["name"], learner["gradient_booster"]
    link = LINKS.get(objective, "")
    base = _base(learner, objective)
    if booster["name"] not in TREES:
        return Forest((), _width(learner), base, link, True, True, f"{booster['name']} has no trees")
    # DART keeps a plain model, and what each tree weighs
    model = booster.get("gbtree", booster)["model"]
    weights = booster.get("weight_drop", np.ones(len(model["trees"])))
    kept = model["iteration_indptr"][end] if end else len(model["trees"])
    trees = tuple(_read_trees(model, weights, kept))
    refused = "" if link else f"nothing is known of the objective {objective}"
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in model["trees"]):
        return Forest((), _width(learner), base, link, True, True, "its leaves hold several numbers")
    return Forest(trees, _width(learner), base, link, True, True, refused)


def _base(learner: Mapping[str, Any], objective: str) -> tuple[float, ...]:
    written = json.loads(learner["learner_model_param"]["base_score"])
    scores = numbers(written if isinstance(written, list) else [written])
    outputs = max(int(learner["learner_model_param"]["num_class"]), int(learner["learner_model_param"]["num_target"]))
    scores = np.broadcast_to(scores, (max(outputs, 1),)) if len(scores) == 1 else scores
    with np.errstate(divide="ignore", invalid="ignore"):
        if objective in LOGIT:
            scores = -np.log(1 / scores - 1)
        elif LINKS.get(objective) == "exp":
            scores = np.log(scores)
    return tuple(scores.tolist())


def _read_trees(model: Mapping[str, Any], weights: Sequence[float], kept: int) -> Iterator[Tree]:
    for place in range(kept):
        yield _read_tree(model["trees"][place], float(weights[place]), int(model["tree_info"][place]))


def _read_tree(tree: Mapping[str, Any], weight: float, output: int) -> Tree:
    left, right = integers(tree["left_children"]), integers(tree["right_children"])
    # written in as few digits as tell a float32 from its neighbours
    conditions = numbers(tree["split_conditions"]).astype(np.float32).astype(np.float64)
    missing_left = integers(tree["default_left"]) != 0
    features = np.where(left == LEAF, LEAF, integers(tree["split_indices"]))
    codes = dict(_codes(tree))
    if codes:
        # the listed categories go right, the others left: turned round
        turned = np.array(sorted(codes))
        left[turned], right[turned] = right[turned], left[turned].copy()
        missing_left[turned] = ~missing_left[turned]
    return Tree(features, conditions, left, right, missing_left, conditions * weight, output, codes)


def _codes(tree: Mapping[str, Any]) -> Iterator[tuple[int, list[int]]]:
    """Node → the categories that it lists."""
    for node, start, size in zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    ):
        yield int(node), [int(code) for code in tree["categories"][start : start + size]]
