"""Where float32 flips labels: thresholds, ties, missing values, and rows that find them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from tests.packaging.estimators import CASES, forest, iris

from headgate.bundle.manifest import Form
from headgate.packaging import compile as compiling
from headgate.packaging.draft import Draft
from headgate.packaging.frameworks import scikit_learn
from headgate.packaging.graph import largest_below
from headgate.packaging.splits import around, find_splits, known_thresholds, rows_at_splits
from headgate.packaging.table import Table, read_table
from headgate.runtimes.batch import Batch
from headgate.runtimes.registry import load_runtime

THRESHOLDS = st.floats(allow_nan=False, allow_infinity=False, width=64, min_value=-3e38, max_value=3e38)


@given(THRESHOLDS)
@settings(deadline=None, max_examples=400)
def test_doubles_up_to_the_limit_are_those_whose_float32_is_below_the_threshold(threshold: float) -> None:
    limit = largest_below(threshold, np.dtype(np.float64))
    for value in (limit, np.nextafter(limit, np.inf), np.nextafter(limit, -np.inf), *around(threshold)):
        assert (float(np.float32(value)) <= threshold) == (float(value) <= limit)


@given(THRESHOLDS)
@settings(deadline=None, max_examples=200)
def test_float32s_up_to_the_limit_are_those_below_the_threshold(threshold: float) -> None:
    limit = np.float32(largest_below(threshold, np.dtype(np.float32)))
    for value in (limit, np.nextafter(limit, np.float32(np.inf)), np.nextafter(limit, np.float32(-np.inf))):
        assert (float(value) <= threshold) == bool(value <= limit)


@pytest.mark.parametrize("threshold", [np.inf, -np.inf])
def test_a_split_between_present_and_missing_keeps_its_infinity(threshold: float) -> None:
    assert largest_below(threshold, np.dtype(np.float64)) == threshold


def table(features: Any) -> Table:
    return read_table(features)


def test_rows_lie_on_both_sides_of_every_threshold() -> None:
    features, target = iris()
    model = DecisionTreeClassifier(random_state=0).fit(features, target)
    rows = rows_at_splits(find_splits(model), table(features), ["x0", "x1", "x2", "x3"], lambda rows: rows)
    assert rows is not None
    for name, thresholds in known_thresholds(model, ["x0", "x1", "x2", "x3"]).items():
        for threshold in thresholds:
            values = set(rows.columns[name].tolist())
            assert {threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)} <= values


@pytest.mark.parametrize("transformer", [StandardScaler(), PowerTransformer()])
def test_behind_transformers_the_split_is_searched(transformer: Any) -> None:
    features, target = iris()
    model = make_pipeline(transformer, DecisionTreeClassifier(random_state=0)).fit(features, target)
    names = ["x0", "x1", "x2", "x3"]

    def matrix(rows: Table) -> Any:
        return np.column_stack([rows.columns[name] for name in names])

    rows = rows_at_splits(find_splits(model), table(features), names, matrix)
    assert rows is not None
    # neighbouring doubles of one column, between which the answer of some tree node changes
    moved = matrix(rows)
    singles = transformer.transform(moved).astype(np.float32).astype(float)
    tree = model[-1].tree_
    for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
        if feature >= 0:
            below = moved[singles[:, feature] <= threshold, feature].max()
            above = moved[singles[:, feature] > threshold, feature].min()
            assert np.nextafter(below, np.inf) == above


def test_all_trees_of_an_ensemble_are_found() -> None:
    for case in CASES:
        if case.name in ("forest-100", "boosting-3", "hist-boosting", "bagging", "calibrated", "search", "stacking"):
            model, _, _ = case.fitted()
            assert sum(len(splits.features) for splits in find_splits(model)) > 3, case.name


def test_a_converter_that_rounds_thresholds_is_found_out(package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled forest with float32 thresholds agrees on all data and on none of the near misses."""
    onnx = pytest.importorskip("onnx")
    features, target = iris()
    model = forest().fit(features, target)
    bundle = package(model, data=features)
    assert bundle.manifest.serves == "onnx"
    load = compiling._load

    def rounded(draft: Draft) -> Any:
        path = draft.folder / compiling.FILE
        proto = onnx.load(path)
        for attribute in proto.graph.node[0].attribute:
            if attribute.name == "nodes_values_as_tensor":
                values = onnx.numpy_helper.to_array(attribute.t)
                single = values.astype(np.float32).astype(np.float64)
                attribute.t.CopyFrom(onnx.numpy_helper.from_array(single, attribute.name))
        path.write_bytes(proto.SerializeToString())
        return load(draft)

    monkeypatch.setattr(compiling, "_load", rounded)
    # the layouts for float32 round down, as they must
    monkeypatch.setattr(scikit_learn, "MATRIX", ("matrix",))
    refused = package(model, data=features).manifest
    assert refused.serves == "native"
    assert "differently" in refused.forms["onnx"].refused or "off by" in refused.forms["onnx"].refused
    assert "native" in refused.forms
    assert refused.forms["onnx"] == Form(runtime="onnx", path="", refused=refused.forms["onnx"].refused)


def test_ties_are_answered_as_scikit_learn_does(package: Any) -> None:
    """100 votes of 0.01: fifty of them are more than a half in floating point."""
    generator = np.random.default_rng(0)
    features = generator.integers(0, 2, size=(40, 2)).astype(float)
    target = generator.integers(0, 2, size=40)
    model = RandomForestClassifier(100, max_features=1, random_state=3).fit(features, target)
    for member in model.estimators_[::2]:
        member.tree_.value[:] = [0.0, 1.0]
    for member in model.estimators_[1::2]:
        member.tree_.value[:] = [1.0, 0.0]
    assert model.predict_proba(features[:1]).tolist() == [[0.5, 0.5]]
    bundle = package(model, data=features)
    assert bundle.manifest.serves == "onnx", bundle.manifest.forms["onnx"].refused
    compiled = load_runtime("onnx").load(bundle.folder, bundle.manifest, "onnx")
    native = load_runtime("sklearn").load(bundle.folder, bundle.manifest, "native")
    batch = Batch(["x0", "x1"], matrix=features)
    assert compiled.predict(batch)["predictions"].tolist() == native.predict(batch)["predictions"].tolist() == [0] * 40


def test_missing_values_go_where_the_tree_sends_them(package: Any) -> None:
    case = next(case for case in CASES if case.name == "forest-with-gaps")
    model, features, target = case.fitted()
    assert any(member.tree_.missing_go_to_left.any() for member in model.estimators_)
    holes = features.copy()
    holes[:, 1] = np.nan
    bundle = package(model, data=features, target=target, holdout=(holes, target))
    assert bundle.manifest.serves == "onnx", bundle.manifest.forms["onnx"].refused
