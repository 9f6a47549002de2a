"""Variants of real models: what they answer, what is refused, and the bundle that is made of one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import headgate
from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.golden import read_golden
from headgate.cli.main import headgate as command
from headgate.errors import HeadgateError, NotFound, Refused
from headgate.optimizing import trial
from headgate.optimizing.candidate import AS_IT_IS
from headgate.optimizing.optimize import choose, study
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.verify import verify_golden

CANCER = load_breast_cancer(as_frame=True)
DIABETES = load_diabetes(as_frame=True)
TREES = 12


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time here decides anything."""
    monkeypatch.setattr(trial, "SECONDS", 0.0)


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory, signing_key: Path) -> Callable[[Any, Any], Bundle]:
    def make(model: Any, data: Any) -> Bundle:
        fitted = model.fit(data.data, data.target)
        return headgate.package(
            fitted, name="model", data=data.data, target=data.target, output=tmp_path_factory.mktemp("bundle") / "b"
        )

    return make


def first_trees(model: Any, rows: Any, count: int) -> Any:
    """What the first trees of the ensemble answer together, as scikit-learn's own parts say it."""
    if isinstance(model, RandomForestRegressor):
        return np.mean([tree.predict(rows.to_numpy()) for tree in model.estimators_[:count]], axis=0)
    if isinstance(model, RandomForestClassifier | ExtraTreesClassifier):
        return np.mean([tree.predict_proba(rows.to_numpy()) for tree in model.estimators_[:count]], axis=0)
    if isinstance(model, GradientBoostingClassifier):
        return list(model.staged_predict_proba(rows))[count - 1]
    return list(model.staged_predict(rows))[count - 1]


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (RandomForestClassifier(TREES, random_state=0), CANCER),
        (ExtraTreesClassifier(TREES, random_state=0), CANCER),
        (RandomForestRegressor(TREES, random_state=0), DIABETES),
        (GradientBoostingClassifier(n_estimators=TREES, learning_rate=0.8, random_state=0), CANCER),
        (GradientBoostingRegressor(n_estimators=TREES, learning_rate=0.8, random_state=0), DIABETES),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_half_of_the_trees_answer_as_the_first_half_of_the_ensemble(
    bundled: Callable[[Any, Any], Bundle], model: Any, data: Any, tmp_path: Path
) -> None:
    with study(bundled(model, data), data.data, None) as found:
        chosen = choose(found, "trees-50", tmp_path / "half")
    half = headgate.load(chosen)
    answers = half.predict_proba(data.data) if hasattr(model, "predict_proba") else half.predict(data.data)
    np.testing.assert_allclose(answers, first_trees(model, data.data, TREES // 2), rtol=1e-4, atol=1e-6)


def test_a_network_is_narrowed_and_quantised_and_the_best_are_marked(
    bundled: Callable[[Any, Any], Bundle],
) -> None:
    network = make_pipeline(StandardScaler(), MLPClassifier((64, 32), max_iter=40, random_state=0))
    holdout = CANCER.data.assign(outcome=CANCER.target)
    with pytest.warns(match="converge"):
        bundle = bundled(network, CANCER)
    with study(bundle, holdout, "outcome", data=CANCER.data) as found:
        names = [each.candidate.name for each in found.measured]
        assert found.metric == "accuracy"
        assert {"as it is", "fp32", "fp16", "int8-dynamic", "int8-static"} <= set(names)
        origin, single, small = (found.find(name) for name in (AS_IT_IS, "fp32", "int8-dynamic"))
        assert single.parity.labels_differ == 0
        assert small.size < single.size < origin.size
        assert small.metric == pytest.approx(origin.metric, abs=0.02)
        # what is smaller than all others is beaten by none
        smallest = min(found.measured, key=lambda each: each.size)
        assert smallest.candidate.name.startswith("int8") and smallest.best


def test_the_chosen_variant_is_a_bundle_of_its_own(bundled: Callable[[Any, Any], Bundle], tmp_path: Path) -> None:
    origin = bundled(RandomForestClassifier(TREES, random_state=0), CANCER)
    holdout = CANCER.data.assign(outcome=CANCER.target)
    with study(origin, holdout, "outcome") as found:
        choose(found, "trees-25", tmp_path / "quarter.hgb")
    made = open_bundle(tmp_path / "quarter.hgb", tmp_path / "unpacked")
    manifest = made.manifest
    assert made.digest != origin.digest
    assert (manifest.name, manifest.serves, manifest.framework) == ("model", "onnx", "onnx")
    assert manifest.lineage.parent_run == f"bundle:{origin.digest}"
    assert manifest.lineage.data_digest == origin.manifest.lineage.data_digest
    assert manifest.lineage.code == "headgate optimize: trees-25"
    assert 0.8 < manifest.metrics["accuracy"] <= 1.0
    # its golden requests expect what it answers, not what the original did
    model = load_runtime("onnx").load(made.folder, manifest, "onnx")
    verify_golden(model, manifest, read_golden(made.folder, manifest))


def test_the_same_choice_gives_the_same_bundle(bundled: Callable[[Any, Any], Bundle], tmp_path: Path) -> None:
    origin = bundled(RandomForestClassifier(TREES, random_state=0), CANCER)
    digests = set()
    for number in (1, 2):
        with study(origin, CANCER.data, None) as found:
            digests.add(choose(found, "trees-50", tmp_path / str(number)).digest)
    assert len(digests) == 1


def test_what_cannot_be_made_says_why(bundled: Callable[[Any, Any], Bundle], tmp_path: Path) -> None:
    with study(bundled(RandomForestClassifier(TREES, random_state=0), CANCER), CANCER.data, None) as found:
        assert found.metric == ""
        assert {candidate.name for candidate in found.refused} == {"int8-dynamic", "int8-static", "fp16"}
        for name, error, said in [
            ("int8-dynamic", Refused, "no weights"),
            ("int8-static", Refused, "--data"),
            ("int4", NotFound, "trees-10"),
            (AS_IT_IS, Refused, "nothing to package"),
        ]:
            with pytest.raises(error, match=said):
                choose(found, name, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_without_a_compiled_form_says_so(tmp_path: Path, signing_key: Path) -> None:
    model = KNeighborsClassifier().fit(CANCER.data, CANCER.target)
    bundle = headgate.package(model, name="knn", data=CANCER.data, compile=False, output=tmp_path / "b")
    with pytest.raises(NotFound, match="no compiled form"), study(bundle, CANCER.data, None):
        pass


@pytest.mark.parametrize("rows", [CANCER.data.drop(columns="mean radius"), CANCER.data.assign(outcome="x")])
def test_rows_that_do_not_fit_are_refused(bundled: Callable[[Any, Any], Bundle], rows: Any) -> None:
    bundle = bundled(RandomForestClassifier(2, random_state=0), CANCER)
    target = "outcome" if "outcome" in rows else None
    with pytest.raises(HeadgateError), study(bundle, rows, target):
        pass


def test_the_command_shows_and_chooses(bundled: Callable[[Any, Any], Bundle], tmp_path: Path) -> None:
    bundle = bundled(RandomForestClassifier(TREES, random_state=0), CANCER)
    CANCER.data.assign(outcome=CANCER.target).to_csv(tmp_path / "held.csv", index=False)
    given = [str(bundle.folder), "--holdout", str(tmp_path / "held.csv"), "--target", "outcome"]
    shown = CliRunner().invoke(command, ["optimize", *given, "--output", "json"])
    assert shown.exit_code == 0, shown.output
    items = {item["variant"]: item for item in json.loads(shown.stdout)}
    assert items["trees-10"]["bytes"] < items["trees-50"]["bytes"] < items[AS_IT_IS]["bytes"]
    assert items[AS_IT_IS]["labels_differ"] == 0
    table = CliRunner().invoke(command, ["optimize", *given])
    assert "trees-10" in table.stdout and "--choose" in table.stderr
    done = CliRunner().invoke(
        command, ["optimize", *given, "--choose", "trees-10", "--output", str(tmp_path / "t.hgb")]
    )
    assert done.exit_code == 0, done.output
    assert "Variant trees-10 of bundle" in done.stdout
    assert open_bundle(tmp_path / "t.hgb", tmp_path / "unpacked").manifest.serves == "onnx"
