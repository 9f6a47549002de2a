"""Real estimators on real data, with what is expected of packaging them.

The data ships with scikit-learn; the bookings of a hotel are looked for in the folder that `HEADGATE_TEST_DATA` names.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

Data = tuple[Any, Any]


def cancer() -> Data:
    return load_breast_cancer(return_X_y=True)  # type: ignore[no-any-return]  # scikit-learn ships no types


def cancer_truth() -> Data:
    features, target = cancer()
    return features, target.astype(bool)


def cancer_floats() -> Data:
    features, target = cancer()
    return features, target.astype(float)


def iris() -> Data:
    return load_iris(return_X_y=True)  # type: ignore[no-any-return]  # scikit-learn ships no types


def iris_names() -> Data:
    features, target = iris()
    return features, np.array(["setosa", "versicolor", "virginica"])[target]


def iris_with_gaps() -> Data:
    features, target = iris()
    gaps = features.copy()
    gaps[::7, 1] = np.nan
    return gaps, target


def iris_whole() -> Data:
    features, target = iris()
    return (features * 10).astype(np.int64), target


def wine() -> Data:
    return load_wine(return_X_y=True, as_frame=True)  # type: ignore[no-any-return]  # scikit-learn ships no types


def diabetes() -> Data:
    return load_diabetes(return_X_y=True)  # type: ignore[no-any-return]  # scikit-learn ships no types


def diabetes_twice() -> Data:
    features, target = diabetes()
    return features, np.column_stack([target, target * 2])


def titanic_like() -> Data:
    """Text with and without gaps, numbers with gaps, whole numbers: made from the cancer data, no download."""
    import pandas as pd

    features, target = cancer()
    size = np.where(features[:, 0] > 14, "large", np.where(features[:, 0] > 12, "middle", "small")).astype(object)
    frame = pd.DataFrame(
        {
            "size": size,
            "town": np.where(features[:, 1] > 18, "Bern", "Genève").astype(object),
            "age": np.where(np.arange(len(target)) % 9 == 0, np.nan, features[:, 2]),
            "visits": (features[:, 3] // 100).astype(np.int64),
        }
    )
    return frame, target


def towns_with_gaps() -> Data:
    frame, target = titanic_like()
    town = frame["town"].to_numpy(dtype=object, copy=True)
    town[::11] = None
    return frame.assign(town=town), target


def kinds() -> Data:
    """Whole numbers that stand for kinds."""
    frame, target = titanic_like()
    return frame[["visits", "age"]], target


def digits() -> Data:
    return load_digits(return_X_y=True)  # type: ignore[no-any-return]  # scikit-learn ships no types


def cancer_with_gaps() -> Data:
    features, target = cancer()
    gaps = features.copy()
    gaps[::5, 3] = gaps[1::7, 20] = np.nan
    return gaps, target


def cancer_with_holes() -> Data:
    """A number that stands for missing values."""
    features, target = cancer_with_gaps()
    return np.nan_to_num(features, nan=-1.0), target


def sentences() -> Data:
    """Sentences on data sets, with the data set that they are about."""
    import pandas as pd

    about = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer, "diabetes": load_diabetes}
    found = [
        (sentence.strip(), name)
        for name, load in about.items()
        for sentence in load().DESCR.replace("\n", " ").split(".")
    ]
    known = [(sentence, name) for sentence, name in found if len(sentence) > 20]
    return pd.Series([sentence for sentence, _ in known], name="text").to_frame(), np.array([name for _, name in known])


TEXTS = ("country", "market_segment", "deposit_type", "customer_type", "meal")
COUNTS = ("lead_time", "adults", "previous_cancellations", "total_of_special_requests")


def hotel() -> Data:
    """Bookings with text and gaps; is it cancelled?"""
    import pandas as pd

    folder = os.environ.get("HEADGATE_TEST_DATA")
    path = Path(folder or "", "hotel_bookings", "test_set.csv")
    if not folder or not path.exists():
        pytest.skip("no bookings: HEADGATE_TEST_DATA names no folder with hotel_bookings/test_set.csv")
    table = pd.read_csv(path, keep_default_na=False, na_values=["UNK", ""]).iloc[::8].reset_index(drop=True)
    texts = table[list(TEXTS)].astype(object)
    frame = pd.concat([texts.where(texts.notna(), None), table[[*COUNTS, "adr", "children", "agent"]]], axis=1)
    return frame, table["is_canceled"].to_numpy()


def hotel_levels() -> Data:
    """The bookings with their texts as categories of pandas."""
    frame, target = hotel()
    return frame.astype(dict.fromkeys(TEXTS, "category")), target


def hotel_filled() -> Data:
    """The bookings with a word where there is none."""
    frame, target = hotel()
    return frame.fillna(dict.fromkeys(TEXTS, "none")).astype(dict.fromkeys(TEXTS, str)), target


def levels() -> Data:
    """The table made from the cancer data, its texts as categories of pandas; XGBoost takes plain ASCII alone."""
    frame, target = titanic_like()
    frame["town"] = frame["town"].replace("Genève", "Geneva")
    return frame.astype({"size": "category", "town": "category"}), target


def towns() -> Data:
    """The table made from the cancer data, without missing text."""
    frame, target = titanic_like()
    return frame.astype({"size": str, "town": str}), target


def encoded_hotel(model: Any, **options: Any) -> Any:
    """Bookings with their texts one-hot and their gaps filled."""
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", **options), list(TEXTS)),
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [*COUNTS, "adr", "children", "agent"]),
        ),
        model,
    )


def texts(vectorizer: Any, model: Any) -> Any:
    """A column of text as words, then a model."""
    return make_pipeline(make_column_transformer((vectorizer, "text")), model)


ASCII = "[a-zA-Z0-9_]+"  # words that every converter splits alike
# and nothing is lowered: what becomes of other letters then differs too
PLAIN = {"token_pattern": ASCII, "lowercase": False}


def encoded(numbers: Any, model: Any) -> Any:
    """Text one-hot, numbers by the given transformer."""
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["size", "town"]),
            (numbers, make_column_selector(dtype_include="number")),
        ),
        model,
    )


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    make: Callable[[], Any]
    data: Callable[[], Data]
    serves: str | None = "onnx"  # None: either, as measured
    heavy: bool = False
    needs: str = ""  # a framework beside scikit-learn

    def fitted(self) -> tuple[Any, Any, Any]:
        features, target = self.data()
        return self.make().fit(features, target), features, target


def forest(trees: int = 20, **options: Any) -> RandomForestClassifier:
    return RandomForestClassifier(trees, random_state=0, **options)


def by_kind() -> Any:
    return HistGradientBoostingClassifier(max_iter=10, categorical_features=["visits"])


def imputed() -> Any:
    return make_pipeline(SimpleImputer(), StandardScaler())


def network() -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier(max_iter=800, random_state=0))


def bins() -> KBinsDiscretizer:
    return KBinsDiscretizer(5, quantile_method="averaged_inverted_cdf")


def logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=5000)


def xgb(kind: str = "XGBClassifier", **options: Any) -> Any:
    xgboost = pytest.importorskip("xgboost")
    return getattr(xgboost, kind)(**({"n_estimators": 30, "n_jobs": 1} | options))


def lgbm(kind: str = "LGBMClassifier", **options: Any) -> Any:
    lightgbm = pytest.importorskip("lightgbm")
    return getattr(lightgbm, kind)(**({"n_estimators": 30, "n_jobs": 1, "verbose": -1} | options))


def cat(kind: str = "CatBoostClassifier", **options: Any) -> Any:
    catboost = pytest.importorskip("catboost")
    plain = {"iterations": 30, "verbose": 0, "allow_writing_files": False, "thread_count": 1, "random_seed": 0}
    return getattr(catboost, kind)(**(plain | options))


@dataclass
class Booster:
    """Fits a wrapper and keeps the `Booster` alone."""

    wrapper: Any

    def fit(self, features: Any, target: Any) -> Any:
        fitted = self.wrapper.fit(features, target)
        return fitted.get_booster() if hasattr(fitted, "get_booster") else fitted.booster_


@dataclass
class Ranked:
    """Fits a ranker on rows that come in groups of ten."""

    ranker: Any
    by_size: bool = False

    def fit(self, features: Any, target: Any) -> Any:
        mixed = np.random.default_rng(0).permutation(len(target))
        groups = np.repeat(np.arange(len(target) // 10), 10)
        given = {"group": np.bincount(groups)} if self.by_size else {"qid": groups}
        return self.ranker.fit(features[mixed], target[mixed], **given)


@dataclass
class Stopped:
    """Fits until the second half of the rows is answered no better."""

    model: Any

    def fit(self, features: Any, target: Any) -> Any:
        seen, rest = slice(0, None, 2), slice(1, None, 2)
        return self.model.fit(features[seen], target[seen], eval_set=[(features[rest], target[rest])], verbose=False)


def stacked(model: Any) -> Any:
    return StackingClassifier([("boosted", model), ("linear", logistic())], cv=2)


CASES = [
    Case("logistic", lambda: make_pipeline(StandardScaler(), logistic()), cancer),
    Case("logistic-text-classes", logistic, iris_names),
    Case("logistic-truth-classes", lambda: make_pipeline(StandardScaler(), logistic()), cancer_truth),
    Case("linear", LinearRegression, diabetes),
    Case("ridge-frame", Ridge, wine),
    Case("elastic-net", lambda: ElasticNet(0.01), diabetes),
    Case("sgd", lambda: make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)), cancer),
    Case("tree", lambda: DecisionTreeClassifier(random_state=0), cancer),
    Case("tree-float-classes", lambda: DecisionTreeClassifier(random_state=0), cancer_floats),
    Case("tree-with-gaps", lambda: DecisionTreeClassifier(random_state=0), iris_with_gaps),
    Case("tree-regressor", lambda: DecisionTreeRegressor(random_state=0), diabetes),
    Case("forest-100", lambda: forest(100), cancer),
    Case("forest-shallow", lambda: forest(50, max_depth=4), iris_names),
    Case("forest-whole-numbers", forest, iris_whole),
    Case("forest-with-gaps", lambda: forest(30), iris_with_gaps),
    Case("forest-scaled", lambda: make_pipeline(StandardScaler(), forest()), cancer),
    Case("forest-frame", forest, wine),
    Case("forest-two-targets", lambda: RandomForestRegressor(10, random_state=0), diabetes_twice),
    Case("extra-trees", lambda: ExtraTreesClassifier(30, random_state=0, max_depth=5), cancer),
    Case("boosting", lambda: GradientBoostingClassifier(random_state=0, n_estimators=30), cancer),
    Case("boosting-3", lambda: GradientBoostingClassifier(random_state=0, n_estimators=10), iris),
    Case("boosting-regressor", lambda: GradientBoostingRegressor(random_state=0), diabetes),
    Case("hist-boosting", lambda: HistGradientBoostingClassifier(random_state=0, max_iter=30), cancer),
    Case("hist-boosting-gaps", lambda: HistGradientBoostingClassifier(random_state=0, max_iter=20), iris_with_gaps),
    Case("hist-boosting-regressor", lambda: HistGradientBoostingRegressor(random_state=0, max_iter=30), diabetes),
    Case("imputed", lambda: make_pipeline(SimpleImputer(), StandardScaler(), logistic()), iris_with_gaps),
    Case("encoded-logistic", lambda: encoded(imputed(), logistic()), titanic_like),
    Case("encoded-forest", lambda: encoded(SimpleImputer(strategy="median"), forest()), titanic_like),
    # missing text is a level of its own
    Case("encoded-gaps", lambda: encoded(imputed(), logistic()), towns_with_gaps),
    Case("hist-boosting-kinds", by_kind, kinds),
    Case("search", lambda: GridSearchCV(forest(5), {"max_depth": [2, 4]}, cv=2), iris),
    Case("naive-bayes", GaussianNB, iris),
    Case("k-means", lambda: KMeans(3, random_state=0, n_init=1), iris),
    # neighbours at one distance are taken in another order: the votes differ
    Case("neighbours", KNeighborsClassifier, iris, serves="native"),
    Case("neighbours-regressor", KNeighborsRegressor, diabetes, serves=None),
    Case("bagging", lambda: BaggingClassifier(random_state=0), cancer, heavy=True),
    Case("ada", lambda: AdaBoostClassifier(random_state=0, n_estimators=20), cancer, heavy=True),
    Case("extra-trees-regressor", lambda: ExtraTreesRegressor(30, random_state=0), diabetes, heavy=True),
    Case("isolation", lambda: IsolationForest(random_state=0, n_estimators=20), cancer, heavy=True),
    Case("calibrated", lambda: CalibratedClassifierCV(forest(10), ensemble=True), cancer, heavy=True),
    Case("stacking", lambda: StackingClassifier([("a", logistic()), ("b", forest(10))]), iris, heavy=True),
    Case("voting", lambda: VotingClassifier([("a", logistic()), ("b", forest(10))], voting="soft"), iris, heavy=True),
    Case("svc", lambda: make_pipeline(StandardScaler(), LinearSVC()), iris, heavy=True),
    Case("svc-kernel", lambda: make_pipeline(StandardScaler(), SVC()), iris, serves=None, heavy=True),
    Case("svr", lambda: make_pipeline(StandardScaler(), SVR()), diabetes, serves=None, heavy=True),
    Case("multinomial", MultinomialNB, iris, heavy=True),
    Case("network", network, iris, heavy=True),
    Case("discriminant", LinearDiscriminantAnalysis, iris, heavy=True),
    Case("components", lambda: make_pipeline(StandardScaler(), PCA(3), logistic()), cancer, heavy=True),
    Case("ranges", lambda: make_pipeline(MinMaxScaler(), RobustScaler(), forest()), cancer, heavy=True),
    Case("polynomial", lambda: make_pipeline(PolynomialFeatures(2), Ridge()), diabetes, serves=None, heavy=True),
    Case("bins", lambda: make_pipeline(bins(), logistic()), iris, serves=None, heavy=True),
    Case("gaussian-process", GaussianProcessRegressor, iris, serves=None, heavy=True),
    Case("neighbours-digits", KNeighborsClassifier, digits, serves=None, heavy=True),
    Case("forest-digits", lambda: forest(50), digits, heavy=True),
    # words end at a letter with an accent, in the compiled form alone
    Case("words", lambda: texts(CountVectorizer(), logistic()), sentences, serves="native", heavy=True),
    Case("words-weighed", lambda: texts(TfidfVectorizer(), logistic()), sentences, serves="native", heavy=True),
    Case("words-ascii", lambda: texts(TfidfVectorizer(**PLAIN), logistic()), sentences, heavy=True),
    Case("hotel-logistic", lambda: encoded_hotel(logistic()), hotel, heavy=True),
    Case("hotel-forest", lambda: encoded_hotel(forest(30)), hotel, heavy=True),
    Case("hotel-rare", lambda: encoded_hotel(forest(30), min_frequency=20), hotel, heavy=True),
    Case("hotel-kinds", lambda: HistGradientBoostingClassifier(max_iter=20), hotel_levels, heavy=True),
    Case("hist-boosting-levels", lambda: HistGradientBoostingRegressor(loss="poisson"), levels, heavy=True),
    Case("xgboost", xgb, cancer, heavy=True, needs="xgboost"),
    Case("xgboost-100", lambda: xgb(n_estimators=100), iris, heavy=True, needs="xgboost"),
    Case("xgboost-gaps", xgb, cancer_with_gaps, heavy=True, needs="xgboost"),
    Case("xgboost-missing", lambda: xgb(missing=-1.0), cancer_with_holes, heavy=True, needs="xgboost"),
    Case("xgboost-frame", xgb, wine, heavy=True, needs="xgboost"),
    Case("xgboost-regressor", lambda: xgb("XGBRegressor"), diabetes, heavy=True, needs="xgboost"),
    Case("xgboost-gamma", lambda: xgb("XGBRegressor", objective="reg:gamma"), diabetes, heavy=True, needs="xgboost"),
    Case("xgboost-dart", lambda: xgb(booster="dart", rate_drop=0.3), cancer, heavy=True, needs="xgboost"),
    Case("xgboost-linear", lambda: xgb("XGBRegressor", booster="gblinear"), diabetes, "native", True, "xgboost"),
    Case("xgboost-booster", lambda: Booster(xgb()), iris, heavy=True, needs="xgboost"),
    Case("xgboost-ranker", lambda: Ranked(xgb("XGBRanker")), iris, heavy=True, needs="xgboost"),
    Case("xgboost-stopped", lambda: Stopped(xgb(early_stopping_rounds=3)), cancer, heavy=True, needs="xgboost"),
    Case("xgboost-levels", lambda: xgb(enable_categorical=True), levels, heavy=True, needs="xgboost"),
    Case("xgboost-hotel", lambda: xgb(enable_categorical=True), hotel_levels, heavy=True, needs="xgboost"),
    Case("xgboost-encoded", lambda: encoded("passthrough", xgb()), titanic_like, heavy=True, needs="xgboost"),
    Case("xgboost-scaled", lambda: make_pipeline(StandardScaler(), xgb()), cancer, heavy=True, needs="xgboost"),
    Case("xgboost-calibrated", lambda: CalibratedClassifierCV(xgb(), cv=2), cancer, heavy=True, needs="xgboost"),
    Case("xgboost-stacked", lambda: stacked(xgb()), iris, heavy=True, needs="xgboost"),
    Case("lightgbm", lgbm, cancer, heavy=True, needs="lightgbm"),
    Case("lightgbm-100", lambda: lgbm(n_estimators=100), iris_names, heavy=True, needs="lightgbm"),
    Case("lightgbm-gaps", lgbm, cancer_with_gaps, heavy=True, needs="lightgbm"),
    Case("lightgbm-frame", lgbm, wine, heavy=True, needs="lightgbm"),
    Case("lightgbm-regressor", lambda: lgbm("LGBMRegressor"), diabetes, heavy=True, needs="lightgbm"),
    Case("lightgbm-linear", lambda: lgbm("LGBMRegressor", linear_tree=True), diabetes, "native", True, "lightgbm"),
    Case("lightgbm-ranker", lambda: Ranked(lgbm("LGBMRanker"), by_size=True), iris, heavy=True, needs="lightgbm"),
    Case("lightgbm-booster", lambda: Booster(lgbm()), cancer, heavy=True, needs="lightgbm"),
    Case("lightgbm-levels", lambda: lgbm(min_data_per_group=5, cat_smooth=1), levels, heavy=True, needs="lightgbm"),
    Case("lightgbm-hotel", lgbm, hotel_levels, heavy=True, needs="lightgbm"),
    Case("lightgbm-encoded", lambda: encoded("passthrough", lgbm()), titanic_like, heavy=True, needs="lightgbm"),
    Case("lightgbm-calibrated", lambda: CalibratedClassifierCV(lgbm(), cv=2), cancer, heavy=True, needs="lightgbm"),
    Case("lightgbm-stacked", lambda: stacked(lgbm()), iris, heavy=True, needs="lightgbm"),
    Case("catboost", cat, cancer, heavy=True, needs="catboost"),
    Case("catboost-text-classes", cat, iris_names, heavy=True, needs="catboost"),
    Case("catboost-gaps", cat, cancer_with_gaps, heavy=True, needs="catboost"),
    Case("catboost-frame", cat, wine, heavy=True, needs="catboost"),
    Case("catboost-regressor", lambda: cat("CatBoostRegressor"), diabetes, heavy=True, needs="catboost"),
    Case("catboost-branching", lambda: cat(grow_policy="Lossguide"), iris, heavy=True, needs="catboost"),
    Case("catboost-levels", lambda: cat(cat_features=["size", "town"]), towns, "native", True, "catboost"),
    Case("catboost-hotel", lambda: cat(cat_features=list(TEXTS)), hotel_filled, "native", True, "catboost"),
    Case("catboost-encoded", lambda: encoded("passthrough", cat()), titanic_like, heavy=True, needs="catboost"),
    Case("catboost-calibrated", lambda: CalibratedClassifierCV(cat(), cv=2), cancer, heavy=True, needs="catboost"),
]  # fmt: skip
