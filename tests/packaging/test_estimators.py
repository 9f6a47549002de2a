"""Estimators as users have them: packaged, opened again, asked in every form."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.packaging.estimators import CASES, Case
from tests.packaging.frameworks_page import Page

from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.golden import read_golden
from headgate.bundle.manifest import PROFILE
from headgate.bundle.signing import load_or_create_key, public_text, signed_by
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.verify import verify_golden

PARAMETERS = [pytest.param(case, id=case.name, marks=[pytest.mark.heavy] if case.heavy else []) for case in CASES]


@pytest.mark.parametrize("case", PARAMETERS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimator(case: Case, package: Any, page: Page) -> None:
    model, features, target = case.fitted()
    bundle = package(model, data=features, target=target, holdout=(features, target))
    reopened = open_bundle(bundle.folder)
    assert reopened.digest == bundle.digest
    manifest = bundle.manifest
    compiled = manifest.forms["onnx"]
    if case.serves is not None:
        assert manifest.serves == case.serves, compiled.refused or manifest.serves_because
    check_parity(bundle)
    check_forms(bundle)
    check_metrics(bundle, model, features, target)
    page.add(case, bundle)
    assert [column.name for column in manifest.signature.features] == expected_names(model, features)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """Collects what `make test-all PAGE=1` keeps as the table of frameworks."""
    collected = Page(wanted=bool(os.environ.get("HEADGATE_TEST_PAGE")))
    yield collected
    collected.keep()


def check_parity(bundle: Bundle) -> None:
    manifest = bundle.manifest
    compiled = manifest.forms["onnx"]
    assert bool(compiled.refused) != bool(compiled.path), compiled
    if manifest.serves == "onnx":
        assert compiled.parity is not None
        assert compiled.parity.labels_differ == 0
        assert compiled.parity.max_difference <= compiled.parity.tolerance
        assert compiled.parity.rows >= manifest.lineage.data_rows
    assert manifest.serves_because


def check_forms(bundle: Bundle) -> None:
    golden = read_golden(bundle.folder, bundle.manifest)
    assert golden.rows
    for name, form in bundle.manifest.forms.items():
        if not form.refused:
            loaded = load_runtime(form.runtime).load(bundle.folder, bundle.manifest, name)
            verify_golden(loaded, bundle.manifest, golden)


def check_metrics(bundle: Bundle, model: Any, features: Any, target: Any) -> None:
    metrics = bundle.manifest.metrics
    if bundle.manifest.task == "classification" and not hasattr(model, "score"):
        # a booster alone
        assert metrics["accuracy"] > 0.9
    elif bundle.manifest.task == "classification":
        assert metrics["accuracy"] == pytest.approx(model.score(features, target))
        assert bundle.manifest.classes == tuple(model.classes_.tolist())
    elif bundle.manifest.task == "regression":
        assert metrics["r2"] == pytest.approx(model.score(features, target))
    else:
        assert not metrics


def expected_names(model: Any, features: Any) -> list[str]:
    if hasattr(features, "columns"):
        return list(features.columns)
    if hasattr(model, "feature_names_in_"):
        return list(model.feature_names_in_)
    return [f"x{place}" for place in range(features.shape[1])]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_bundle_says_all_that_is_known(package: Any) -> None:
    case = next(case for case in CASES if case.name == "encoded-forest")
    model, features, target = case.fitted()
    told: list[str] = []
    bundle = package(
        model,
        name="visits",
        data=features,
        target=target,
        holdout=(features, target),
        lineage={"trained_at": "2026-11-20", "code": "train.py"},
        progress=told.append,
    )
    manifest = bundle.manifest
    size, town, age, visits = manifest.signature.inputs
    assert (size.dtype, size.categories, size.nullable) == ("string", ("large", "middle", "small"), False)
    assert town.categories == ("Bern", "Genève")
    assert (age.dtype, age.nullable, age.minimum) == ("float64", True, float(np.nanmin(features["age"])))
    assert (visits.dtype, visits.maximum, visits.example) == ("int64", 25.0, 10)
    assert [column.name for column in manifest.signature.outputs] == ["predictions", "probabilities"]
    assert manifest.signature.outputs[1].shape == (2,)
    assert (manifest.task, manifest.classes) == ("classification", (0, 1))
    assert {"accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc"} == set(manifest.metrics)
    assert manifest.lineage.data_rows == len(features)
    assert manifest.lineage.trained_at == "2026-11-20"
    assert {"scikit-learn", "numpy", "scipy", "joblib", "pandas"} <= set(manifest.environment.packages)
    assert told[0] == "reading the model"
    assert told[-1] == "signing"
    assert signed_by(bundle.folder, bundle.digest) == public_text(load_or_create_key(Path(_key())))
    golden = read_golden(bundle.folder, bundle.manifest)
    assert golden.rows == 8
    assert None in golden.inputs.columns["age"]
    assert "a-level-that-was-not-there" in golden.inputs.columns["size"]
    card = (bundle.folder / "card.md").read_text()
    assert "| size | string | no | feature | large, middle, small |" in card
    assert "no label differs" in card
    profile = msgspec.json.decode((bundle.folder / PROFILE).read_bytes())
    assert profile["data"]["rows"] == len(features)
    assert set(profile["predictions"]["columns"]) == {"predictions", "probabilities.0", "probabilities.1"}


def _key() -> str:
    return os.environ["HEADGATE_SIGNING_KEY"]


@pytest.mark.parametrize("task", ["forest-frame", "encoded-logistic"])
def test_data_of_every_library_gives_the_same_bundle(task: str, package: Any) -> None:
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    case = next(case for case in CASES if case.name == task)
    model, frame, target = case.fitted()
    as_given = {
        "pandas": frame,
        "polars": polars.from_pandas(frame),
        "pyarrow": arrow.Table.from_pandas(frame),
        "dict": {name: frame[name].tolist() for name in frame.columns},
        "rows": frame.to_dict("records"),
    }
    digests = {name: package(model, data=data, target=target).digest for name, data in as_given.items()}
    assert len(set(digests.values())) == 1, digests
