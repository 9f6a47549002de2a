"""Models of all kinds, without data too, and what users get wrong."""

import pickle
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tests.crafted_trees import deadly_catboost
from tests.packaging.estimators import CASES, cancer, forest, iris, levels, wine

import headgate
from headgate.bundle.bundle import open_bundle
from headgate.bundle.golden import read_golden
from headgate.errors import (
    Conflict,
    HeadgateError,
    InvalidName,
    Malformed,
    ModelError,
    NotFound,
    SignatureMismatch,
    UnsupportedType,
    Untrusted,
)
from headgate.packaging.environment import closure
from headgate.packaging.frameworks import boosted
from headgate.testing.bundles import LinearModel, linear_graph

PLAIN = """
import numpy as np

class Doubler:
    classes_ = ["small", "large"]

    def predict(self, rows):
        rows = np.asarray(rows)
        return np.where(rows[:, 0] > 1, "large", "small")

model = Doubler()
"""


class Trebler:
    """A user's own class."""

    def predict(self, rows: Any) -> Any:
        return np.asarray(rows)[:, 0] * 3


def double(rows: Any) -> Any:
    return rows * 2


def test_a_model_without_data_says_what_it_takes(package: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(forest(10).fit(*cancer()), path)
    manifest = package(path).manifest
    assert [column.name for column in manifest.signature.inputs] == [f"x{place}" for place in range(30)]
    assert {column.dtype for column in manifest.signature.inputs} == {"float64"}
    assert (manifest.task, manifest.classes, manifest.serves) == ("classification", (0, 1), "onnx")
    assert manifest.metrics == {}
    assert manifest.lineage.data_rows == 0
    parity = manifest.forms["onnx"].parity
    assert parity is not None
    assert parity.rows > 1000


def test_a_pipeline_without_data_tells_names_levels_and_gaps(package: Any) -> None:
    case = next(case for case in CASES if case.name == "encoded-forest")
    model, _, _ = case.fitted()
    bundle = package(model)
    size, town, age, visits = bundle.manifest.signature.inputs
    assert (size.dtype, size.categories) == ("string", ("large", "middle", "small"))
    assert town.name == "town"
    assert (age.dtype, age.categories) == ("float64", None)
    assert visits.dtype == "float64"
    assert bundle.manifest.serves == "onnx"
    assert read_golden(bundle.folder, bundle.manifest).rows > 1


def test_a_model_that_takes_gaps_says_so_without_data(package: Any) -> None:
    model = HistGradientBoostingClassifier(max_iter=5).fit(*iris())
    bundle = package(model)
    assert all(column.nullable for column in bundle.manifest.signature.inputs)
    assert None in read_golden(bundle.folder, bundle.manifest).inputs.columns["x0"]


def test_python_files(package: Any, tmp_path: Path) -> None:
    path = tmp_path / "doubler.py"
    path.write_text(PLAIN)
    rows = np.array([[0.5], [1.5], [3.0]])
    bundle = package(path, data=rows, target=np.array(["small", "large", "large"]))
    manifest = bundle.manifest
    assert (manifest.framework, manifest.task, manifest.classes) == ("python", "classification", ("small", "large"))
    assert list(manifest.forms) == ["native"]
    assert (bundle.folder / "model.py").read_text() == PLAIN
    assert headgate.load(bundle).predict(rows).tolist() == ["small", "large", "large"]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every interpreter finds this module, as if it were installed."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))


@pytest.mark.usefixtures("installed")
def test_objects_by_reference_need_trust(package: Any) -> None:
    rows = np.array([[1.0], [2.0]])
    name = f"{Trebler.__module__}.Trebler"
    with pytest.raises(Untrusted, match="trust_code=") as caught:
        package(Trebler(), data=rows)
    assert caught.value.detail == ({"global": name},)
    bundle = package(Trebler(), data=rows, target=np.array([3.0, 6.0]), trust_code=(name,))
    assert bundle.manifest.trusted_code == (name,)
    assert bundle.manifest.task == "regression"
    assert headgate.load(bundle).predict(rows).tolist() == [3.0, 6.0]


class Wrapped(Trebler):
    """Around a model of a framework."""

    def __init__(self, model: Any) -> None:
        self.model = model


@pytest.mark.usefixtures("installed")
def test_an_object_needs_what_its_pickle_names(package: Any) -> None:
    """A host that builds the environment could not load the model without it."""
    given = Wrapped(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    bundle = package(given, data=np.array([[1.0]]), trust_code=(f"{__name__}.Wrapped",), lock=False)
    assert {"numpy", "scikit-learn"} <= set(bundle.manifest.environment.direct)
    assert "scipy" in bundle.manifest.environment.packages


@pytest.mark.usefixtures("installed")
def test_estimators_with_foreign_functions_need_trust(package: Any) -> None:
    features, target = iris()
    model = make_pipeline(FunctionTransformer(double), StandardScaler(), LogisticRegression()).fit(features, target)
    with pytest.raises(Untrusted, match="double"):
        package(model, data=features)
    bundle = package(model, data=features, trust_code=(f"{__name__}.double",))
    assert bundle.manifest.trusted_code == (f"{__name__}.double",)
    # what a converter cannot know is refused, and the original serves
    assert bundle.manifest.serves == "native"
    assert bundle.manifest.forms["onnx"].refused


class Payload:
    def __reduce__(self) -> Any:
        return (exec, ("import sys; sys.headgate_was_here = True",))


def test_a_hostile_file_is_not_run(package: Any, tmp_path: Path) -> None:
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(Untrusted, match=r"builtins\.exec"):
        package(path)
    assert not hasattr(sys, "headgate_was_here")


def test_onnx_files(package: Any, tmp_path: Path) -> None:
    path = tmp_path / "fraud.onnx"
    path.write_bytes(linear_graph(LinearModel()))
    bare = package(path)
    assert [column.name for column in bare.manifest.signature.inputs] == ["x0", "x1", "x2"]
    assert (bare.manifest.framework, bare.manifest.serves, bare.manifest.task) == ("onnx", "onnx", "classification")
    assert bare.manifest.classes == (0, 1)
    assert bare.manifest.environment.packages.keys() == {"onnxruntime"}
    rows = {"age": [1.0, 20.0], "income": [2.0, 3.0], "balance": [0.0, 1.0]}
    named = package(path, data=rows, holdout=(rows, [0, 1]))
    assert [column.name for column in named.manifest.signature.inputs] == ["age", "income", "balance"]
    assert named.manifest.metrics["accuracy"] == 1.0
    assert (named.folder / "model.onnx").read_bytes() == path.read_bytes()


def test_compiling_can_be_switched_off(package: Any) -> None:
    bundle = package(forest(2).fit(*iris()), compile=False)
    assert bundle.manifest.serves == "native"
    assert bundle.manifest.forms["onnx"].refused == "compiling was switched off"


def test_roles_set_columns_aside(package: Any) -> None:
    frame, target = wine()
    model = forest(3).fit(frame, target)
    wide = frame.assign(customer=[f"c{place}" for place in range(len(frame))], region=["n", "s"] * (len(frame) // 2))
    roles = {"customer": ["entity", "context"], "region": "segment", "alcohol": ["feature", "protected"]}
    manifest = package(model, data=wide, roles=roles, holdout=(frame, target)).manifest
    by_name = {column.name: column for column in manifest.signature.inputs}
    assert by_name["customer"].roles == ("entity", "context")
    assert by_name["region"].roles == ("segment",)
    assert by_name["alcohol"].roles == ("feature", "protected")
    assert [column.name for column in manifest.signature.features] == list(frame.columns)
    assert manifest.serves == "onnx"


def test_the_name_of_the_target_is_enough(package: Any, tmp_path: Path) -> None:
    frame, target = wine()
    whole = frame.assign(kind=target)
    whole.to_csv(tmp_path / "wine.csv", index=False)
    model = forest(3).fit(frame, target)
    manifest = package(model, data=tmp_path / "wine.csv", target="kind", holdout=tmp_path / "wine.csv").manifest
    assert manifest.metrics["accuracy"] == pytest.approx(model.score(frame, target))
    assert manifest.lineage.data_source == "wine.csv"
    assert "kind" not in [column.name for column in manifest.signature.inputs]


def test_without_output_the_folder_is_named_by_digest(package: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = package(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), name="line", output=None)
    assert bundle.folder == tmp_path / f"line-{bundle.digest[:12]}"
    assert open_bundle(bundle.folder).digest == bundle.digest


FRAME, TARGET = wine()
FITTED = forest(2).fit(FRAME, TARGET)
MATRIX = forest(2).fit(*iris())
ROWS = iris()[0]

MISTAKES: dict[str, tuple[Any, dict[str, Any], type[HeadgateError], str]] = {
    "name": (MATRIX, {"name": "../x"}, InvalidName, "x"),
    "unfitted": (RandomForestClassifier(), {}, Malformed, "before fit: call fit"),
    "class": (RandomForestClassifier, {}, UnsupportedType, "the class RandomForestClassifier"),
    "no-model": (3, {}, UnsupportedType, "got a builtins.int"),
    "no-file": ("absent.joblib", {}, NotFound, "no model file absent.joblib"),
    "column-lacking": (FITTED, {"data": FRAME.drop(columns=["hue", "ash"])}, SignatureMismatch, "lacks ash, hue"),
    "column-surplus": (FITTED, {"data": FRAME.assign(extra=1)}, SignatureMismatch, "has extra too"),
    "column-count": (MATRIX, {"data": ROWS[:, :3]}, SignatureMismatch, "fitted on 4 columns, the data has 3"),
    "target-name": (FITTED, {"data": FRAME, "target": "kind"}, SignatureMismatch, "'kind' is not a column of data"),
    "target-length": (MATRIX, {"data": ROWS, "target": [1]}, SignatureMismatch, "got 1 for 150 rows"),
    "holdout-without-target": (FITTED, {"holdout": FRAME}, SignatureMismatch, "true answers of the holdout"),
    "holdout-text": (MATRIX, {"holdout": (ROWS, ["a"] * 150)}, SignatureMismatch, "a target of labels like 0"),
    "holdout-gaps": (MATRIX, {"holdout": (ROWS, [None] + [1.0] * 149)}, SignatureMismatch, "got 1 missing"),
    "role": (MATRIX, {"data": ROWS, "roles": {"x0": "secret"}}, Malformed, "role 'secret'; roles are feature"),
    "role-column": (MATRIX, {"data": ROWS, "roles": {"y": "sensitive"}}, SignatureMismatch, "column 'y'"),
    "task": (MATRIX, {"data": ROWS, "task": "guessing"}, Malformed, "got 'guessing'"),
    "lineage": (MATRIX, {"lineage": {"mood": "good"}}, Malformed, "no field 'mood'"),
    "unknown-inputs": (make_pipeline(FunctionTransformer()), {}, SignatureMismatch, "does not say which columns"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name: str, package: Any, tmp_path: Path) -> None:
    model, options, error, expected = MISTAKES[name]
    with pytest.raises(error, match=expected):
        package(model, **options)
    # nothing half-made is left
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["mat", "npy", "npz", "dill", "zip", "tar", "yaml"])
def test_files_of_no_known_kind_are_named(package: Any, tmp_path: Path, suffix: str) -> None:
    """SEC-14, SEC-15"""
    path = tmp_path / f"model.{suffix}"
    path.write_bytes(b"")
    with pytest.raises(UnsupportedType, match=rf"ending in \.joblib, .*, .*got .*model\.{suffix}"):
        package(path)
    damaged = tmp_path / "model.joblib"
    damaged.write_bytes(b"not a pickle")
    with pytest.raises(Malformed, match="cannot be read as a pickle"):
        package(damaged)
    nothing = tmp_path / "model.py"
    nothing.write_text("x = 1")
    with pytest.raises(ModelError, match="should define `model`"):
        package(nothing)


def test_what_is_no_bundle_is_not_overwritten(package: Any, tmp_path: Path) -> None:
    goal = tmp_path / "home"
    goal.mkdir()
    (goal / "diary.txt").write_text("dear diary")
    with pytest.raises(Conflict, match="is no bundle"):
        package(MATRIX, output=goal)
    (goal / "manifest.json").write_text("{}")
    with pytest.raises(Conflict, match="is no bundle"):
        package(MATRIX, output=goal)
    assert (goal / "diary.txt").read_text() == "dear diary"


def test_the_lock_follows_requirements() -> None:
    found = closure(["scikit-learn"])
    assert {"scikit-learn", "numpy", "scipy", "joblib", "threadpoolctl"} <= set(found)
    assert found == sorted(found)
    assert "pytest" not in found
    assert closure(["there-is-no-such-distribution"]) == []


def test_the_public_names_are_there() -> None:
    for name in headgate.__all__:
        assert getattr(headgate, name)
    assert set(headgate.__all__) <= set(dir(headgate))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        headgate.nonsense  # noqa: B018 - the access is the test


def test_example_rows_show_columns_and_nothing_beyond(tmp_path: Path) -> None:
    x, y = iris()
    model = LogisticRegression(max_iter=500).fit(x, y)
    bundle = headgate.package(model, name="iris", example={name: [5.0, 6.0] for name in "abcd"}, output=tmp_path / "b")
    manifest = bundle.manifest
    assert [column.name for column in manifest.signature.inputs] == list("abcd")
    assert {(column.minimum, column.maximum, column.categories) for column in manifest.signature.inputs} == {
        (None, None, None)
    }
    assert (manifest.lineage.data_rows, manifest.lineage.data_digest) == (0, "")


@pytest.mark.heavy
def test_a_number_that_stands_for_missing_values_is_kept_and_compiled(package: Any) -> None:
    """XGBoost's own files do not hold it."""
    xgboost = pytest.importorskip("xgboost")
    features, target = cancer()
    holes = np.where(np.arange(len(target))[:, None] % 3 == 0, -1.0, features)
    model = xgboost.XGBClassifier(n_estimators=20, missing=-1.0, n_jobs=1).fit(holes, target)
    # no data: nothing shows the packager a -1
    bundle = package(model)
    assert bundle.manifest.forms["native"].options == {"missing": "-1.0"}
    assert bundle.manifest.serves == "onnx"
    expected = model.predict_proba(holes)
    for form in ("native", "onnx"):
        found = headgate.load(bundle.folder, form=form).predict_proba(holes)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.heavy
@pytest.mark.parametrize("framework", ["xgboost", "lightgbm", "catboost"])
def test_a_booster_in_memory_is_packaged_twice_alike(package: Any, framework: str, tmp_path: Path) -> None:
    model, features, target = next(case for case in CASES if case.name == framework).fitted()
    first, second = (package(model, data=features, target=target) for _ in range(2))
    assert first.digest == second.digest
    # and so is the file that the framework writes of it
    given = next(name for name in first.manifest.files if name.startswith("model.") and name != "model.onnx")
    kept = tmp_path / f"given{Path(given).suffix}"
    kept.write_bytes((first.folder / given).read_bytes())
    again = package(kept, data=features, target=target)
    assert (again.folder / given).read_bytes() == kept.read_bytes()
    assert again.manifest.framework == framework
    assert again.manifest.classes == tuple(range(2))
    assert again.manifest.serves == "onnx"


@pytest.mark.heavy
def test_a_file_that_kills_its_reader_is_refused(package: Any, tmp_path: Path) -> None:
    path = tmp_path / "given.cbm"
    path.write_bytes(deadly_catboost(tmp_path / "search"))
    with pytest.raises(ModelError, match="model.cbm ended the process that read it"):
        package(path)


@pytest.mark.parametrize(("file", "framework"), [("m.ubj", "xgboost"), ("m.txt", "lightgbm"), ("m.cbm", "catboost")])
def test_a_framework_that_is_not_here_is_named_with_its_extra(
    package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, framework: str
) -> None:
    monkeypatch.setitem(sys.modules, framework, None)
    monkeypatch.setattr(boosted, "survive", lambda name, path: None)
    (tmp_path / file).write_bytes(b"{}")
    with pytest.raises(ModelError, match=rf"needs {framework}, .*pip install 'headgate\[{framework}\]'"):
        package(tmp_path / file)


def test_columns_of_categories_in_histograms_are_looked_up(package: Any) -> None:
    """Levels that training did not see and missing ones go where scikit-learn sends them."""
    frame, target = levels()
    model = HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5).fit(frame, target)
    assert model.is_categorical_.any()
    bundle = package(model, data=frame, target=target)
    assert bundle.manifest.serves == "onnx", bundle.manifest.forms["onnx"].refused
    asked = {name: frame[name].tolist()[:6] for name in frame}
    asked["size"] = ["small", "huge", "large", "middle", "", "Large"]
    asked["age"][2] = float("nan")
    native, compiled = (headgate.load(bundle.folder, form=form).predict_proba(asked) for form in ("native", "onnx"))
    np.testing.assert_allclose(compiled, native, atol=1e-6)
