"""Far beyond the data: what a compiled form answers otherwise there decides whether, and how far, it is asked."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import KNNImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from headgate.bundle.manifest import LARGEST
from headgate.errors import ModelError, SignatureMismatch
from headgate.packaging.far_rows import Reach, measure_reach
from headgate.packaging.native import Native
from headgate.packaging.table import Table
from headgate.records import Column, Signature
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.local import load
from headgate.runtimes.runtime import Outputs

RANDOM = np.random.default_rng(0)
FLOAT32_MAX = float(np.finfo(np.float32).max)
WIDE = Signature(inputs=(Column(name="x", dtype="float64"), Column(name="n", dtype="int64")))
ROWS = Table({"x": np.array([-2.0, 0.0, 1.5]), "n": np.array([3, 40, 7])})


class Sum:
    """Adds the columns; `change` does something to the sums."""

    device = "cpu"

    def __init__(self, change: Any = None) -> None:
        self.change = change or (lambda sums: sums)

    def predict(self, batch: Batch) -> Outputs:
        sums: Array = batch.columns["x"] + batch.columns["n"].astype(np.float64)
        return {"predictions": self.change(sums)}

    def stream(self, batch: Batch) -> Any:
        yield self.predict(batch)

    def close(self) -> None: ...


def form(change: Any = None) -> Native:
    return Native(Sum(change), WIDE)


def beyond(limit: float, other: Any) -> Any:
    return lambda sums: np.where(np.abs(sums) > limit, other, sums)


def refusing(limit: float) -> Any:
    def change(sums: Array) -> Array:
        if (np.abs(sums) > limit).any():
            raise ModelError("too large")
        return sums

    return change


@pytest.mark.parametrize(
    "changes", [(None, None), (beyond(1e20, np.nan), refusing(1e20)), (refusing(1e3), refusing(1e3))]
)
def test_forms_that_answer_and_fail_alike_reach_everywhere(changes: tuple[Any, Any]) -> None:
    assert measure_reach(form(changes[0]), form(changes[1]), ROWS) == Reach()


@pytest.mark.parametrize(
    ("original", "compiled", "reason"),
    [
        (None, beyond(1e7, 0.0), "its numbers are off by up to 1, tolerance 1e-05"),
        (None, beyond(1e7, np.nan), "it has no answer where the original has one"),
        (None, refusing(1e7), "it has no answer where the original has one"),
        (refusing(1e7), None, "it answers where the original refuses"),
    ],
)
def test_a_mistake_of_units_is_answered_alike_or_the_form_is_refused(original: Any, compiled: Any, reason: str) -> None:
    found = measure_reach(form(original), form(compiled), ROWS)
    assert found == Reach(refused=f"1e+06 times beyond the data, {reason}")


@pytest.mark.parametrize(
    ("original", "compiled", "largest"),
    [
        (None, beyond(2e30, 0.0), 1e30),
        (None, beyond(FLOAT32_MAX * 1.1, np.inf), FLOAT32_MAX),
        (refusing(FLOAT32_MAX * 1.1), None, FLOAT32_MAX),
        (None, beyond(1.1e300, np.nan), 1e300),
        # both together part before each alone does, a million times beyond its own range
        (None, lambda sums: np.where(np.abs(sums) == 8e7, 0.0, sums), 4e4),
    ],
)
def test_beyond_where_they_part_the_form_is_not_asked(original: Any, compiled: Any, largest: float) -> None:
    assert measure_reach(form(original), form(compiled), ROWS) == Reach(largest=largest)


def test_text_and_levels_stay_as_they_are() -> None:
    levels = Column(name="level", dtype="int64", categories=(1, 2))
    signature = Signature(inputs=(*WIDE.inputs, Column(name="s", dtype="string"), levels))
    rows = Table({**ROWS.columns, "s": np.array(["a", None, "b"], dtype=object), "level": np.array([1, 2, 1])})
    seen: set[Any] = set()

    class Spy(Sum):
        def predict(self, batch: Batch) -> Outputs:
            seen.update(batch.columns["s"].tolist(), batch.columns["level"].tolist())
            return super().predict(batch)

    assert measure_reach(Native(Spy(), signature), Native(Sum(), signature), rows) == Reach()
    assert seen == {"a", None, "b", 1, 2}
    assert measure_reach(Native(Sum(), signature), Native(Sum(beyond(1e7, 0.0)), signature), rows).refused


def test_a_forest_takes_what_float32_holds(package: Any) -> None:
    frame = pd.DataFrame(RANDOM.normal(size=(60, 3)), columns=["a", "b", "c"])
    bundle = package(RandomForestClassifier(5).fit(frame, frame.a > 0), data=frame)
    assert float(bundle.manifest.forms["onnx"].options[LARGEST]) == FLOAT32_MAX
    # asked without a server it is the same
    compiled, original = load(bundle, form="onnx"), load(bundle, form="native")
    far = frame.head(2).assign(b=[FLOAT32_MAX, -1e39])
    assert compiled.predict(far.head(1)).tolist() == original.predict(far.head(1)).tolist()
    with pytest.raises(SignatureMismatch, match="In row 1, column 'b': expected a number from -3.40282e.38 to"):
        compiled.predict(far)
    with pytest.raises(ModelError):
        original.predict(far)


def test_distances_that_overflow_bound_the_compiled_form(package: Any) -> None:
    frame = pd.DataFrame(RANDOM.normal(size=(60, 3)), columns=["a", "b", "c"])
    frame.loc[::7, "a"] = np.nan
    model = make_pipeline(KNNImputer(n_neighbors=3), LinearRegression()).fit(frame, frame.b)
    compiled = package(model, data=frame).manifest.forms["onnx"]
    assert compiled.refused or float(compiled.options[LARGEST]) <= 1e39
