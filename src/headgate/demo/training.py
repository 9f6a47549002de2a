"""The demo's models: is a tumour benign? Two ways to learn it from scikit-learn's breast cancer data."""

from dataclasses import dataclass
from typing import Any

from headgate.errors import NotFound

ROWS_LEFT_OUT = 169  # of 569: the holdout


@dataclass(frozen=True, slots=True)
class Data:
    """Features and outcomes, split once: frames with named columns where pandas is there, else matrices."""

    columns: tuple[str, ...]
    train: Any
    train_outcome: Any
    held: Any
    held_outcome: Any

    def rows(self, count: int) -> list[dict[str, float]]:
        """Rows of the holdout as JSON objects."""
        matrix = getattr(self.held, "to_numpy", lambda: self.held)()
        return [dict(zip(self.columns, row, strict=True)) for row in matrix[:count].tolist()]


def load_data() -> Data:
    """The data set that comes with scikit-learn; raises `NotFound` without scikit-learn."""
    try:
        from sklearn.datasets import load_breast_cancer
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise NotFound("The demo needs scikit-learn: pip install 'headgate[sklearn,convert]'") from error
    loaded = load_breast_cancer(as_frame=_has_pandas())
    train, held, train_outcome, held_outcome = train_test_split(
        loaded.data, loaded.target, test_size=ROWS_LEFT_OUT, random_state=0, stratify=loaded.target
    )
    columns = tuple(str(name) for name in loaded.feature_names)
    return Data(columns, train, train_outcome, held, held_outcome)


def train_forest(data: Data) -> Any:
    """The first version: shallow trees, good enough to begin with."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=50, max_depth=4, random_state=0).fit(data.train, data.train_outcome)


def train_regression(data: Data) -> Any:
    """The second version: scaled features and a straight line, which suits this data better."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(data.train, data.train_outcome)


def accuracy(model: Any, data: Data) -> float:
    """Share of the holdout that the model gets right."""
    return float((model.predict(data.held) == data.held_outcome).mean())


def _has_pandas() -> bool:
    try:
        import pandas  # noqa: F401 (asked for whether it is there)
    except ImportError:
        return False
    return True
