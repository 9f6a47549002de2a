"""Real estimators on scikit-learn's shipped data sets, with what is expected of packaging them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
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
    # the converter takes kinds for numbers, which the comparison finds out
    Case("hist-boosting-kinds", by_kind, kinds, serves="native"),
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
]  # fmt: skip
