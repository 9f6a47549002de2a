"""Sensitive values never enter a bundle."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from tests.packaging.estimators import cancer, forest

from headgate.bundle.bundle import Bundle
from headgate.bundle.golden import read_golden

CANARY_TEXT = "CANARY-Zarathustra"
CANARY_NUMBER = 31337.271828


def person_frame() -> Any:
    import pandas as pd

    size = 60
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "ssn": [f"{CANARY_TEXT}-{place % 5}" for place in range(size)],
            "salary": CANARY_NUMBER + np.arange(size) / 8,
            "customer": [f"customer-{place}" for place in range(size)],
            "age": generator.integers(20, 60, size),
        }
    )


def assert_absent(bundle: Bundle, *canaries: str) -> None:
    for path in bundle.folder.rglob("*"):
        content = path.read_bytes()
        for canary in canaries:
            for encoding in ("utf-8", "utf-16-le", "utf-32-le"):
                assert canary.encode(encoding) not in content, f"{canary} in {path.name}"


def assert_no_numbers(bundle: Bundle, values: Any) -> None:
    for path in bundle.folder.rglob("*"):
        content = path.read_bytes()
        for value in values:
            assert np.float64(value).tobytes() not in content, f"{value} in {path.name}"
            assert repr(float(value)).encode() not in content, f"{value} in {path.name}"


@pytest.mark.parametrize("feature", [True, False], ids=["model-sees-them", "set-aside"])
def test_no_canary_leaves_the_data(feature: bool, package: Any) -> None:
    frame = person_frame()
    target = frame["age"] * 1.5
    taken = ["ssn", "age"] if feature else ["age"]
    model: Any = LinearRegression().fit(frame[["age"]], target)
    if feature:
        hashed = HashingVectorizer(n_features=8)
        model = make_pipeline(make_column_transformer((hashed, "ssn"), ("passthrough", ["age"])), LinearRegression())
        model.fit(frame[taken], target)
    aside = {"customer": ["entity", "context", "sensitive"], "salary": ["sensitive", "context"]}
    roles = aside | {"ssn": "sensitive" if feature else ["sensitive", "context"]}
    bundle = package(model, data=frame, target=target, holdout=(frame, target), roles=roles)
    assert_absent(bundle, CANARY_TEXT, "customer-1", str(int(CANARY_NUMBER)))
    assert_no_numbers(bundle, frame["salary"])
    ssn = next(column for column in bundle.manifest.signature.inputs if column.name == "ssn")
    assert (ssn.categories, ssn.example) == (None, "example-1")
    assert ("feature" in ssn.roles) == feature
    assert read_golden(bundle.folder, bundle.manifest).rows
    card = (bundle.folder / "card.md").read_text()
    assert "| ssn | string | no |" in card
    assert "not shown" in card


def test_no_sensitive_number_that_the_model_sees_leaves_the_data(package: Any) -> None:
    features, target = cancer()
    features = features[:, :4] + np.array([0.0, CANARY_NUMBER, CANARY_NUMBER, 0.0])
    model = LinearRegression().fit(features, target)
    bundle = package(model, data=features, target=target, roles={"x1": "sensitive", "x2": "sensitive"})
    assert_no_numbers(bundle, np.unique(features[:, 1:3]))
    column = bundle.manifest.signature.inputs[1]
    assert (column.minimum, column.maximum, column.example) == (None, None, 0.0)


def test_refusals_hold_no_values(package: Any) -> None:
    """A model that fails on rows says which; the manifest does not."""
    frame = person_frame()
    model = forest(3).fit(frame[["salary"]], frame["age"] > 40)
    bundle = package(model, data=frame[["salary"]], roles={"salary": "sensitive"})
    golden = read_golden(bundle.folder, bundle.manifest)
    assert set(golden.inputs.columns["salary"]) <= {0.0, 1.0, -1.0, 0.5, 2.0, 10.0}


def test_a_model_that_takes_no_made_up_level_has_no_golden_requests(package: Any) -> None:
    from sklearn.preprocessing import OneHotEncoder

    frame = person_frame()
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["ssn"]), ("passthrough", ["age"])), LinearRegression()
    ).fit(frame[["ssn", "age"]], frame["age"])
    bundle = package(model, data=frame[["ssn", "age"]], roles={"ssn": "sensitive"})
    golden = read_golden(bundle.folder, bundle.manifest)
    assert golden.rows == 0
    for path in (Path(bundle.folder) / name for name in ("manifest.json", "golden.json", "profile.json", "card.md")):
        assert CANARY_TEXT.encode() not in path.read_bytes()
