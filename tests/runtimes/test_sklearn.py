"""scikit-learn answers from a bundle what it answers to its user."""

import io
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import EnvironmentMismatch, ModelError
from headgate.records import Column, Signature, Task
from headgate.runtimes.batch import Batch
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.sklearn import SklearnModel, SklearnRuntime
from headgate.testing.bundles import write_bundle

sklearn = pytest.importorskip("sklearn")
pandas = pytest.importorskip("pandas")

from sklearn import (  # noqa: E402 - after importorskip
    calibration,
    cluster,
    compose,
    decomposition,
    dummy,
    ensemble,
    feature_extraction,
    impute,
    linear_model,
    model_selection,
    multioutput,
    pipeline,
    preprocessing,
    svm,
)

TABLE, TARGET = np.random.RandomState(0).rand(40, 3), np.arange(40) % 2
NUMBERS = Signature(inputs=tuple(Column(name=name, dtype="float64", nullable=True) for name in "abc"))


def load(
    cache: Path, model: Any, signature: Signature = NUMBERS, task: Task = "classification", classes: Any = ()
) -> SklearnModel:
    file = io.BytesIO()
    joblib.dump(model, file)
    manifest = Manifest(
        name="fraud",
        framework="scikit-learn",
        task=task,
        classes=tuple(classes),
        signature=signature,
        forms={"native": Form(runtime="sklearn", path="model.joblib")},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
    )
    built = write_bundle(cache, manifest, {"model.joblib": file.getvalue()})
    return SklearnRuntime().load(built.folder, built.manifest, "native")


def batch(rows: int = 5) -> Batch:
    return batch_from_columns(NUMBERS, {name: TABLE[:rows, place] for place, name in enumerate("abc")})


def expect(outputs: Outputs, model: Any, table: Any) -> None:
    labels = model.predict(table)
    assert outputs["predictions"].tolist() == labels.tolist()
    assert outputs["predictions"].dtype == (object if labels.dtype.kind in "US" else labels.dtype)
    if hasattr(model, "predict_proba"):
        # a few units in the last place: a BLAS may sum in another order when the same matrix lies otherwise in memory
        np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(table), rtol=1e-12)
    else:
        assert "probabilities" not in outputs


@pytest.mark.parametrize(
    "target",
    [TARGET, TARGET.astype("int32"), TARGET == 1, TARGET.astype(float), np.array(["no", "yes"])[TARGET], TARGET + 5],
    ids=lambda target: str(target.dtype),
)
@pytest.mark.parametrize(
    "model",
    [
        linear_model.LogisticRegression(), ensemble.RandomForestClassifier(5), ensemble.ExtraTreesClassifier(5),
        ensemble.BaggingClassifier(n_estimators=3), calibration.CalibratedClassifierCV(linear_model.RidgeClassifier()),
        svm.LinearSVC(), pipeline.make_pipeline(preprocessing.StandardScaler(), ensemble.RandomForestClassifier(5)),
        model_selection.GridSearchCV(ensemble.RandomForestClassifier(3), {"max_depth": [2, 3]}, cv=2),
        dummy.DummyClassifier(),
    ],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_classifiers_answer_labels_and_probabilities(tmp_path: Path, model: Any, target: Any) -> None:
    fitted = sklearn.base.clone(model).fit(TABLE, target)
    expect(load(tmp_path, fitted).predict(batch()), fitted, TABLE[:5])


def test_a_forest_is_asked_once(tmp_path: Path) -> None:
    """Its predict would run the whole forest again to find the highest probability."""
    loaded = load(tmp_path, ensemble.RandomForestClassifier(5).fit(TABLE, TARGET))
    calls: list[int] = []
    ask = loaded.estimator.predict_proba

    def count(table: Any) -> Any:
        calls.append(len(table))
        return ask(table)

    loaded.estimator.predict_proba = count
    loaded.predict(batch())
    assert calls == [5]


def test_a_regressor_answers_numbers(tmp_path: Path) -> None:
    fitted = linear_model.LinearRegression().fit(TABLE, TABLE.sum(axis=1))
    expect(load(tmp_path, fitted, task="regression").predict(batch()), fitted, TABLE[:5])


def test_several_targets(tmp_path: Path) -> None:
    fitted = multioutput.MultiOutputClassifier(linear_model.LogisticRegression()).fit(TABLE, np.c_[TARGET, 1 - TARGET])
    outputs = load(tmp_path, fitted).predict(batch())
    assert set(outputs) == {"predictions"}
    assert outputs["predictions"].tolist() == fitted.predict(TABLE[:5]).tolist()


def test_a_cluster_and_a_transformation(tmp_path: Path) -> None:
    clusters = cluster.KMeans(2, n_init=1, random_state=0).fit(TABLE)
    expect(load(tmp_path / "1", clusters, task="clustering").predict(batch()), clusters, TABLE[:5])
    for transform in (decomposition.PCA(2), preprocessing.OneHotEncoder(handle_unknown="ignore")):
        fitted = transform.fit(TABLE)
        expected = fitted.transform(TABLE[:5])
        answered = load(tmp_path / "2", fitted, task="transformation").predict(batch())["predictions"]
        np.testing.assert_array_equal(answered, expected.toarray() if hasattr(expected, "toarray") else expected)


def table() -> Any:
    return pandas.DataFrame(
        {"age": [30.0, np.nan, 50.0, 20.0] * 10, "city": ["Rome", None, "Oslo", "Rome"] * 10, "whole": range(40)}
    )


MIXED = Signature(
    inputs=(
        Column(name="age", dtype="float64", nullable=True),
        Column(name="city", dtype="string", nullable=True, categories=("Oslo", "Rome")),
        Column(name="whole", dtype="int64"),
    )
)


def mixed_pipeline() -> Any:
    prepare = compose.ColumnTransformer(
        [
            ("n", impute.SimpleImputer(), ["age"]),
            ("c", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("w", "passthrough", ["whole"]),
        ]
    )
    return pipeline.make_pipeline(prepare, linear_model.LogisticRegression(max_iter=1000)).fit(table(), TARGET)


def test_a_frame_with_text_and_gaps(tmp_path: Path) -> None:
    fitted, rows = mixed_pipeline(), table()
    columns = {name: [None if value != value else value for value in rows[name].tolist()] for name in rows}
    assert None in columns["city"]
    assert None in columns["age"]
    expect(load(tmp_path, fitted, MIXED).predict(batch_from_columns(MIXED, columns)), fitted, rows)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_text_is_what_the_encoder_was_fitted_with(tmp_path: Path, missing: Any) -> None:
    rows = pandas.DataFrame({"city": pandas.Series(["Rome", missing, "Oslo", "Rome"] * 10, dtype=object)})
    signature = Signature(inputs=(Column(name="city", dtype="string", nullable=True, categories=("Oslo", "Rome")),))
    target = [0, 1, 0, 0] * 10
    for encoder in (
        preprocessing.OneHotEncoder(handle_unknown="ignore"),
        compose.make_column_transformer((preprocessing.OneHotEncoder(handle_unknown="ignore"), ["city"])),
        compose.make_column_transformer((pipeline.make_pipeline(preprocessing.OneHotEncoder()), [0])),
    ):
        fitted = pipeline.make_pipeline(encoder, linear_model.LogisticRegression()).fit(rows, target)
        loaded = load(tmp_path, fitted, signature)
        expect(loaded.predict(batch_from_columns(signature, {"city": ["Rome", None, "Oslo"]})), fitted, rows[:3])


def test_categories_of_a_frame(tmp_path: Path) -> None:
    rows = pandas.DataFrame({"n": np.arange(40.0), "level": pandas.Categorical(["p", "q"] * 20)})
    signature = Signature(
        inputs=(Column(name="n", dtype="float64"), Column(name="level", dtype="string", categories=("p", "q")))
    )
    fitted = ensemble.HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=2).fit(rows, TARGET)
    columns = {"n": rows["n"].tolist(), "level": rows["level"].tolist()}
    expect(load(tmp_path, fitted, signature).predict(batch_from_columns(signature, columns)), fitted, rows)


def test_fitted_on_names_is_asked_with_names(tmp_path: Path) -> None:
    """A matrix would make scikit-learn warn, which is an error in this suite."""
    frame = pandas.DataFrame(TABLE, columns=list("abc"))
    fitted = linear_model.LogisticRegression().fit(frame, TARGET)
    expect(load(tmp_path, fitted).predict(batch()), fitted, frame[:5])


def test_texts_go_in_as_documents(tmp_path: Path) -> None:
    texts = ["good good", "bad bad"] * 20
    signature = Signature(inputs=(Column(name="text", dtype="string"),))
    fitted = pipeline.make_pipeline(feature_extraction.text.TfidfVectorizer(), linear_model.LogisticRegression()).fit(
        texts, TARGET
    )
    loaded = load(tmp_path, fitted, signature)
    expect(loaded.predict(batch_from_columns(signature, {"text": texts[:3]})), fitted, texts[:3])


def test_requests_are_not_spread_over_threads(tmp_path: Path) -> None:
    search = model_selection.GridSearchCV(ensemble.RandomForestClassifier(3, n_jobs=2), {"max_depth": [2]}, cv=2)
    loaded = load(tmp_path, search.fit(TABLE, TARGET))
    assert loaded.estimator.estimator.n_jobs == 1


def test_errors_are_translated(tmp_path: Path) -> None:
    fitted = linear_model.LogisticRegression().fit(TABLE[:, :2], TARGET)
    with pytest.raises(ModelError, match="5 rows: ValueError: X has 3 features"):
        load(tmp_path, fitted).predict(batch())


def test_what_cannot_predict(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="got a dict"):
        load(tmp_path, {"a": 1})


@pytest.mark.parametrize(("saved", "fits"), [("1.2.0", False), ("0.24.2", False), ("a patch release", True)])
def test_another_scikit_learn(tmp_path: Path, saved: str, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    here = sklearn.__version__
    saved = f"{here.rpartition('.')[0]}.99" if fits else saved
    fitted = linear_model.LogisticRegression().fit(TABLE, TARGET)
    monkeypatch.setattr(type(fitted), "__getstate__", lambda self: {**vars(self), "_sklearn_version": saved})
    if fits:
        load(tmp_path, fitted).predict(batch())
    else:
        with pytest.raises(EnvironmentMismatch, match=rf"scikit-learn {saved}, here is {here}"):
            load(tmp_path, fitted)
