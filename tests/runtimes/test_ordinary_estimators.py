"""No file of an ordinary estimator fails the allow-list: every estimator of scikit-learn, in every way to write it."""

import inspect
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from headgate.bundle.globals import foreign_globals_in
from headgate.runtimes.unpickling import unpickle

pandas = pytest.importorskip("pandas")
sklearn = pytest.importorskip("sklearn")

# sklearn.utils.all_estimators knows the experimental ones only after these
from scipy.stats import loguniform, randint  # noqa: E402 - after importorskip
from sklearn import compose, ensemble, feature_extraction, linear_model, model_selection, pipeline, preprocessing  # noqa: E402
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: E402, F401 - after importorskip
from sklearn.metrics import f1_score, make_scorer  # noqa: E402 - after importorskip
from sklearn.utils import all_estimators  # noqa: E402 - after importorskip

random = np.random.RandomState(0)
X = random.rand(60, 4)
TABLES: list[tuple[Any, ...]] = [
    (X, random.randint(0, 2, 60)),
    (X, random.rand(60)),
    (X, random.rand(60, 2)),
    (X, random.randint(0, 2, (60, 2))),
    (X,),
    (random.rand(60), random.rand(60)),
    (random.randint(0, 2, (60, 2)),),
    (random.randint(0, 2, 60),),
    (["one two", "three four"],),
    ([{"a": 1}, {"b": 2}],),
    (np.eye(60),),
]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "ColumnTransformer": {"transformers": [("a", "passthrough", [0, 1])]},
    "FeatureUnion": {"transformer_list": [("a", preprocessing.StandardScaler())]},
    "FrozenEstimator": {"estimator": linear_model.Ridge().fit(*TABLES[0])},
    "GaussianRandomProjection": {"n_components": 2},
    "GridSearchCV": {"param_grid": {"C": [1, 2]}},
    "HalvingGridSearchCV": {"param_grid": {"C": [1, 2]}},
    "HalvingRandomSearchCV": {"param_distributions": {"C": [1, 2, 3]}},
    "HistGradientBoostingClassifier": {"max_iter": 5},
    "HistGradientBoostingRegressor": {"max_iter": 5},
    "TSNE": {"max_iter": 250, "perplexity": 5},
    "Pipeline": {"steps": [("a", linear_model.LogisticRegression())]},
    "RANSACRegressor": {"min_samples": 5},
    "RandomizedSearchCV": {"param_distributions": {"C": loguniform(0.1, 1)}, "n_iter": 2},
    "SparseCoder": {"dictionary": np.eye(4)},
    "SparseRandomProjection": {"n_components": 2},
    "StackingClassifier": {"estimators": [("a", linear_model.LogisticRegression())]},
    "StackingRegressor": {"estimators": [("a", linear_model.Ridge())]},
    "VotingClassifier": {"estimators": [("a", linear_model.LogisticRegression())]},
    "VotingRegressor": {"estimators": [("a", linear_model.Ridge())]},
}
REGRESSING = {
    "AdaBoostRegressor",
    "MultiOutputRegressor",
    "RANSACRegressor",
    "RegressorChain",
    "TransformedTargetRegressor",
}
NAMES = [name for name, _ in all_estimators()]


def make(name: str) -> Any:
    kind = dict(all_estimators())[name]
    arguments = dict(ARGUMENTS.get(name, {}))
    if "estimator" in inspect.signature(kind.__init__).parameters and "estimator" not in arguments:
        arguments["estimator"] = linear_model.Ridge() if name in REGRESSING else linear_model.LogisticRegression()
    if "n_estimators" in inspect.signature(kind.__init__).parameters:
        arguments["n_estimators"] = 5
    return kind(**arguments)


@cache
def fitted(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for table in TABLES:
            try:
                return make(name).fit(*table)
            except (ValueError, TypeError, AttributeError, IndexError):
                continue
    raise AssertionError(f"{name} was not fitted on any table")


def written(model: Any) -> Iterator[tuple[str, bytes]]:
    """The model's file, in the ways that users write it."""
    yield "pickle", pickle.dumps(model)
    yield "pickle 5", pickle.dumps(model, protocol=5)
    yield "joblib", joblib_bytes(model)


def written_oddly(model: Any) -> Iterator[tuple[str, bytes]]:
    """And in the ways that they can."""
    for protocol in (0, 1, 2, 3, 4):
        yield f"pickle {protocol}", pickle.dumps(model, protocol=protocol)
        yield f"joblib {protocol}", joblib_bytes(model, protocol=protocol)
    yield "compressed joblib", joblib_bytes(model, compress=1)


def joblib_bytes(model: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file, **options)
    return file.getvalue()


def takes_matrix(model: Any) -> bool:
    return getattr(model, "n_features_in_", 0) == X.shape[1] and not hasattr(model, "feature_names_in_")


def same_answers(left: Any, right: Any) -> None:
    for method in ("predict", "transform"):
        if hasattr(left, method) and takes_matrix(left):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected, answered = getattr(left, method)(X[:5]), getattr(right, method)(X[:5])
            if hasattr(expected, "toarray"):
                expected, answered = expected.toarray(), answered.toarray()
            np.testing.assert_array_equal(answered, expected)


def check(model: Any, files: Iterator[tuple[str, bytes]]) -> None:
    for way, content in files:
        assert foreign_globals_in(content) == (), way
        same_answers(model, unpickle(content))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("compressor", ["zlib", "gzip", "bz2", "lzma", "xz"])
def test_every_compressor_of_joblib_is_read(compressor: str, protocol: int) -> None:
    model = fitted("DecisionTreeClassifier")
    content = joblib_bytes(model, compress=(compressor, 3), protocol=protocol)
    assert foreign_globals_in(content) == ()
    same_answers(model, unpickle(content))


@pytest.mark.filterwarnings("ignore:Class .* is deprecated:FutureWarning")
@pytest.mark.parametrize("name", NAMES)
def test_every_estimator_passes_and_loads(name: str) -> None:
    check(fitted(name), written(fitted(name)))


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore:Class .* is deprecated:FutureWarning")
@pytest.mark.parametrize("name", NAMES)
def test_every_estimator_passes_and_loads_in_every_protocol(name: str) -> None:
    check(fitted(name), written_oddly(fitted(name)))


def table() -> Any:
    return pandas.DataFrame(
        {
            "number": np.arange(40.0),
            "text": ["x", "y"] * 20,
            "level": pandas.Categorical(["p", "q"] * 20),
            "when": pandas.date_range("2020", periods=40),
        }
    )


TARGET = np.array([0, 1] * 20)
ORDINARY: dict[str, Callable[[], Any]] = {
    "columns given as an index": lambda: compose.ColumnTransformer(
        [
            ("a", preprocessing.StandardScaler(), table().select_dtypes("number").columns),
            ("b", preprocessing.OneHotEncoder(), table().columns[1:3]),
        ]
    ).fit(table()),
    "columns given by type": lambda: compose.ColumnTransformer(
        [("a", preprocessing.StandardScaler(), compose.make_column_selector(dtype_include=np.number))]
    ).fit(table()),
    "ufuncs": lambda: preprocessing.FunctionTransformer(np.log1p, np.expm1).fit(table()[["number"]]),
    "target of a ufunc": lambda: compose.TransformedTargetRegressor(
        linear_model.LinearRegression(), func=np.log1p, inverse_func=np.expm1
    ).fit(X, TABLES[1][1]),
    "search over integers": lambda: model_selection.RandomizedSearchCV(
        ensemble.RandomForestClassifier(3), {"max_depth": randint(1, 5)}, n_iter=2
    ).fit(X, TABLES[0][1]),
    "search with a scorer": lambda: model_selection.GridSearchCV(
        linear_model.LogisticRegression(), {"C": np.logspace(0, 1, 2)}, scoring=make_scorer(f1_score)
    ).fit(X, TABLES[0][1]),
    "categories from dtypes": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3).fit(
        table()[["number", "level"]], TARGET
    ),
    "text": lambda: pipeline.make_pipeline(
        feature_extraction.text.TfidfVectorizer(), linear_model.LogisticRegression()
    ).fit(["one two", "three four"] * 20, TARGET),
    "pandas output": lambda: (
        pipeline.make_pipeline(preprocessing.StandardScaler()).set_output(transform="pandas").fit(table()[["number"]])
    ),
    "column-major and big-endian arrays": lambda: {
        "columns": np.asfortranarray(X), "swapped": X.astype(">f8"), "none": np.empty((0, 3)), "scalar": np.array(1.5)
    },
    "strings, times and objects": lambda: [
        np.array(["a", "bc"]), np.array(["2020"], "M8[D]"), np.array([1, None, "a"], object), np.float32
    ],
    "records": lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ORDINARY)
def test_what_users_put_into_estimators_passes_and_loads(name: str) -> None:
    model = ORDINARY[name]()
    check(model, written(model))
    check(model, written_oddly(model))


def test_an_array_mapped_from_disk_loads_as_a_plain_one(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "array", dtype="f8", shape=(3,), mode="w+")
    mapped[:] = (1, 2, 3)
    for _, content in written({"array": mapped}):
        (tmp_path / "array").unlink(missing_ok=True)
        assert foreign_globals_in(content) == ()
        loaded = unpickle(content)["array"]
        assert type(loaded) is np.ndarray
        assert loaded.tolist() == [1, 2, 3]
