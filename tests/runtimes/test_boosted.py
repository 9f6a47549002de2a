"""Boosted trees answer from a bundle what they answer to their user, and crafted ones are refused."""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from headgate.bundle.globals import foreign_globals_in
from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import ModelError, Untrusted
from headgate.packaging.frameworks.registry import FRAMEWORKS, read_forest
from headgate.records import Column, Signature, Task
from headgate.runtimes import lightgbm as lightgbm_runtime
from headgate.runtimes.boosted import BoostedModel
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.forest import Forest, Tree, check_forest
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.unpickling import unpickle
from headgate.testing.bundles import write_bundle

pandas = pytest.importorskip("pandas")

# the frameworks are installed by `make test-all`
pytestmark = pytest.mark.heavy

BOOSTERS = {name: each.trees.runtime for name, each in FRAMEWORKS.items() if each.trees}
GENERATOR = np.random.default_rng(0)
NUMBERS = GENERATOR.normal(size=(200, 3))
TARGET = (NUMBERS[:, 0] + NUMBERS[:, 1] > 0).astype(int)
THREE = np.digitize(NUMBERS[:, 2], [-0.5, 0.5])
NAMES = ("a", "b", "c")


def frame() -> Any:
    """Numbers with gaps, levels of text and of whole numbers."""
    levels = np.array(["north", "south", "west"])[THREE]
    numbers = NUMBERS[:, 0].copy()
    numbers[::7] = np.nan
    return pandas.DataFrame(
        {"a": numbers, "b": pandas.Categorical(levels), "c": pandas.Categorical(THREE * 10 + TARGET)}
    )


MIXED = Signature(
    inputs=(
        Column(name="a", dtype="float64", nullable=True),
        Column(name="b", dtype="string", nullable=True),
        Column(name="c", dtype="int64", nullable=True),
    )
)
PLAIN = Signature(inputs=tuple(Column(name=name, dtype="float64", nullable=True) for name in NAMES))


def load(
    cache: Path, name: str, file: str, content: bytes, signature: Signature, task: Task, **given: Any
) -> BoostedModel:
    manifest = Manifest(
        name="case",
        framework=name,
        task=task,
        classes=given.get("classes", ()),
        signature=signature,
        forms={"native": Form(runtime=name, path=file, options=given.get("options", {}))},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
    )
    built = write_bundle(cache, manifest, {file: content})
    model: Any = load_runtime(name).load(built.folder, built.manifest, "native")
    return model  # type: ignore[no-any-return]  # a runtime says only that it answers


def saved(name: str, model: Any) -> tuple[str, bytes]:
    file: tuple[str, bytes] = BOOSTERS[name].save_model(model)
    return file


def batch(signature: Signature, table: Any) -> Any:
    columns = table if isinstance(table, dict) else {name: table[:, place] for place, name in enumerate(NAMES)}
    return batch_from_columns(signature, columns)


def xgboost_models() -> dict[str, tuple[Any, Task]]:
    xgboost = pytest.importorskip("xgboost")
    few = {"n_estimators": 6, "max_depth": 3, "n_jobs": 1}
    gaps = NUMBERS.copy()
    gaps[::5, 1] = -999.0
    stopped = xgboost.XGBRegressor(n_estimators=60, learning_rate=0.9, early_stopping_rounds=2, n_jobs=1)
    groups = np.repeat(np.arange(20), 10)
    return {
        "two classes": (xgboost.XGBClassifier(**few).fit(NUMBERS, TARGET), "classification"),
        "three classes": (xgboost.XGBClassifier(**few).fit(NUMBERS, THREE), "classification"),
        "softmax": (xgboost.XGBClassifier(objective="multi:softmax", **few).fit(NUMBERS, THREE), "classification"),
        "random forest": (xgboost.XGBRFClassifier(**few).fit(NUMBERS, THREE), "classification"),
        "dart": (xgboost.XGBClassifier(booster="dart", rate_drop=0.5, **few).fit(NUMBERS, TARGET), "classification"),
        "numbers": (xgboost.XGBRegressor(**few).fit(NUMBERS, NUMBERS[:, 0]), "regression"),
        "counts": (xgboost.XGBRegressor(objective="count:poisson", **few).fit(NUMBERS, THREE), "regression"),
        "margins": (xgboost.XGBRegressor(objective="binary:logitraw", **few).fit(NUMBERS, TARGET), "regression"),
        "quantiles": (
            xgboost.XGBRegressor(objective="reg:quantileerror", quantile_alpha=[0.1, 0.9], **few).fit(NUMBERS, THREE),
            "regression",
        ),
        "linear": (xgboost.XGBRegressor(booster="gblinear", n_jobs=1).fit(NUMBERS, NUMBERS[:, 0]), "regression"),
        "ranks": (xgboost.XGBRanker(**few).fit(NUMBERS, THREE, qid=groups), "other"),
        "missing": (xgboost.XGBClassifier(missing=-999.0, **few).fit(gaps, TARGET), "classification"),
        "stopped early": (
            stopped.fit(NUMBERS[:100], NUMBERS[:100, 0], eval_set=[(NUMBERS[100:], NUMBERS[100:, 0])], verbose=False),
            "regression",
        ),
    }  # fmt: skip


def lightgbm_models() -> dict[str, tuple[Any, Task]]:
    lightgbm = pytest.importorskip("lightgbm")
    few = {"n_estimators": 6, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    words = np.array(["low", "mid", "top"])[THREE]
    groups = np.repeat(10, 20)
    stopped = lightgbm.LGBMRegressor(n_estimators=60, learning_rate=0.9, verbose=-1, n_jobs=1).fit(
        NUMBERS[:100], NUMBERS[:100, 0], eval_X=NUMBERS[100:], eval_y=NUMBERS[100:, 0],
        callbacks=[lightgbm.early_stopping(2, verbose=False)],
    )  # fmt: skip
    rf = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}
    return {
        "two classes": (lightgbm.LGBMClassifier(**few).fit(NUMBERS, TARGET), "classification"),
        "named classes": (lightgbm.LGBMClassifier(**few).fit(NUMBERS, words), "classification"),
        "random forest": (lightgbm.LGBMClassifier(**rf, **few).fit(NUMBERS, TARGET), "classification"),
        "numbers": (lightgbm.LGBMRegressor(**few).fit(NUMBERS, NUMBERS[:, 0]), "regression"),
        "counts": (lightgbm.LGBMRegressor(objective="poisson", **few).fit(NUMBERS, THREE), "regression"),
        "ranks": (lightgbm.LGBMRanker(**few).fit(NUMBERS, THREE, group=groups), "other"),
        "stopped early": (stopped, "regression"),
    }


def catboost_models() -> dict[str, tuple[Any, Task]]:
    catboost = pytest.importorskip("catboost")
    few = {"iterations": 6, "depth": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    words = np.array(["low", "mid", "top"])[THREE]
    return {
        "two classes": (catboost.CatBoostClassifier(**few).fit(NUMBERS, TARGET), "classification"),
        "named classes": (catboost.CatBoostClassifier(**few).fit(NUMBERS, words), "classification"),
        "numbers": (catboost.CatBoostRegressor(**few).fit(NUMBERS, NUMBERS[:, 0]), "regression"),
        "counts": (catboost.CatBoostRegressor(loss_function="Poisson", **few).fit(NUMBERS, THREE), "regression"),
        "branching": (catboost.CatBoostRegressor(grow_policy="Lossguide", **few).fit(NUMBERS, THREE), "regression"),
        "ranks": (
            catboost.CatBoostRanker(**few).fit(NUMBERS, THREE, group_id=np.repeat(np.arange(20), 10)), "other"
        ),
    }  # fmt: skip


MODELS: dict[str, Callable[[], dict[str, tuple[Any, Task]]]] = {
    "xgboost": xgboost_models, "lightgbm": lightgbm_models, "catboost": catboost_models
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_it_answers_what_its_user_sees(name: str, tmp_path: Path) -> None:
    for what, (model, task) in MODELS[name]().items():
        file, content = saved(name, model)
        told = BOOSTERS[name].describe(model)
        assert told.task == task, what
        options = BOOSTERS[name].options_of(model)
        loaded = load(tmp_path, name, file, content, PLAIN, task, classes=told.classes, options=options)
        gaps = NUMBERS.copy()
        gaps[3] = -999.0 if what == "missing" else np.nan
        outputs = loaded.predict(batch(PLAIN, gaps))
        expected = model.predict(gaps)
        if task == "classification":
            assert outputs["predictions"].tolist() == np.ravel(expected).tolist(), what
            np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(gaps), rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_allclose(outputs["predictions"], expected, rtol=1e-6, err_msg=what)


@pytest.mark.parametrize("name", MODELS)
def test_wrappers_in_pickles_are_ordinary(name: str, tmp_path: Path) -> None:
    models = MODELS[name]()
    for what in ("two classes", "numbers"):
        model, task = models[what]
        file = io.BytesIO()
        joblib.dump(model, file)
        for path, content in (("model.joblib", file.getvalue()), ("model.pkl", pickle.dumps(model))):
            assert foreign_globals_in(content) == ()
            loaded = load(tmp_path, name, path, content, PLAIN, task, classes=(0, 1) if task != "regression" else ())
            answered = loaded.predict(batch(PLAIN, NUMBERS))["predictions"]
            np.testing.assert_allclose(answered, model.predict(NUMBERS), rtol=1e-6)


def test_levels_of_xgboost_are_those_of_the_frame(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    table = frame()
    model = xgboost.XGBClassifier(n_estimators=8, enable_categorical=True, max_cat_to_onehot=1, n_jobs=1)
    file, content = saved("xgboost", model.fit(table, TARGET))
    told = BOOSTERS["xgboost"].describe(model)
    assert told.levels == [None, ("north", "south", "west"), tuple(sorted(set((THREE * 10 + TARGET).tolist())))]
    loaded = load(tmp_path, "xgboost", file, content, MIXED, "classification", classes=(0, 1))
    columns = {name: [None if value != value else value for value in table[name].tolist()] for name in table}
    columns["b"][4] = columns["c"][5] = None
    blank = table.astype({"b": object, "c": object})
    blank.loc[4, "b"] = blank.loc[5, "c"] = None
    blank = blank.astype({name: table[name].dtype for name in ("b", "c")})
    answered = loaded.predict(batch(MIXED, columns))
    np.testing.assert_allclose(answered["probabilities"], model.predict_proba(blank), rtol=1e-6)
    columns["b"][0] = "elsewhere"
    with pytest.raises(ModelError, match="row 0, 'b' holds a category that training did not see"):
        loaded.predict(batch(MIXED, columns))


def test_names_of_levels_that_xgboost_has_cut_are_not_guessed() -> None:
    xgboost = pytest.importorskip("xgboost")
    table = frame().assign(b=pandas.Categorical(np.array(["Bern", "Genève", "Zürich"])[THREE]))
    model = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True, n_jobs=1).fit(table, TARGET)
    with pytest.raises(ModelError, match="has cut the names of the categories"):
        BOOSTERS["xgboost"].describe(model)


def test_levels_of_lightgbm_are_those_of_the_frame(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    table = frame()
    model = lightgbm.LGBMClassifier(
        n_estimators=8, min_child_samples=5, min_data_per_group=1, cat_smooth=1, verbose=-1, n_jobs=1
    )
    file, content = saved("lightgbm", model.fit(table, TARGET))
    told = BOOSTERS["lightgbm"].describe(model)
    assert told.levels == [None, ("north", "south", "west"), tuple(sorted(set((THREE * 10 + TARGET).tolist())))]
    loaded = load(tmp_path, "lightgbm", file, content, MIXED, "classification", classes=(0, 1))
    columns = {name: [None if value != value else value for value in table[name].tolist()] for name in table}
    answered = loaded.predict(batch(MIXED, columns))
    np.testing.assert_allclose(answered["probabilities"], model.predict_proba(table), rtol=1e-9)
    # what training did not see is missing, as in LightGBM
    columns["b"] = ["elsewhere", *columns["b"][1:]]
    moved = table.assign(b=pandas.Categorical(columns["b"]))
    answered = loaded.predict(batch(MIXED, columns))
    np.testing.assert_allclose(answered["probabilities"], model.predict_proba(moved), rtol=1e-9)


def test_lightgbm_that_does_not_tell_its_columns_of_categories_is_refused() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    table = frame().assign(c=pandas.Categorical(["same"] * len(TARGET)))
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(table, TARGET)
    with pytest.raises(ModelError, match="does not tell which columns"):
        BOOSTERS["lightgbm"].describe(model)


def test_catboost_is_given_levels_as_they_are(tmp_path: Path) -> None:
    catboost = pytest.importorskip("catboost")
    table = frame().astype({"b": str, "c": int})
    options = {"iterations": 8, "depth": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    model = catboost.CatBoostClassifier(cat_features=["b", "c"], **options)
    file, content = saved("catboost", model.fit(table, TARGET))
    assert "categorical features" in (read_forest(model) or pytest.fail()).refused
    loaded = load(tmp_path, "catboost", file, content, MIXED, "classification", classes=(0, 1))
    table.loc[0, "b"] = "elsewhere"
    columns = {name: [None if value != value else value for value in table[name].tolist()] for name in table}
    answered = loaded.predict(batch(MIXED, columns))
    np.testing.assert_allclose(answered["probabilities"], model.predict_proba(table), rtol=1e-9)


def tree(**changed: Any) -> Tree:
    """A root with two leaves."""
    plain: dict[str, Any] = {
        "features": np.array([0, -1, -1]), "thresholds": np.zeros(3), "left": np.array([1, 0, 0]),
        "right": np.array([2, 0, 0]), "missing_left": np.zeros(3, dtype=bool), "values": np.zeros(3),
    }  # fmt: skip
    return Tree(**(plain | changed))


def forest(*trees: Tree) -> Forest:
    return Forest(trees, 2, (0.0,), "identity", True, True)


def test_a_grown_tree_passes() -> None:
    check_forest(forest(tree(), tree()))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"left": np.array([2_000_000_000, 0, 0])}, "outside"),
        ({"left": np.array([-7, 0, 0])}, "outside"),
        ({"right": np.array([0, 0, 0])}, "outside"),
        ({"right": np.array([1, 0, 0])}, "share"),
        ({"features": np.array([2, -1, -1])}, "column"),
        ({"features": np.array([-9, -1, -1])}, "column"),
        ({"output": 1}, "output"),
        (
            {
                "features": np.array([-1, 0, 0, -1, -1]), "left": np.array([0, 2, 1, 0, 0]),
                "right": np.array([0, 3, 4, 0, 0]), "thresholds": np.zeros(5), "values": np.zeros(5),
            },
            "leads back",
        ),
    ],
)  # fmt: skip
def test_a_crafted_tree_is_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=f"damaged tree: .*{reason}"):
        check_forest(forest(tree(**changed)))


XGBOOST_CRAFT: dict[str, Callable[[dict[str, Any]], None]] = {
    "a child far outside": lambda tree: tree["left_children"].__setitem__(0, 2_000_000_000),
    "a circle": lambda tree: tree["left_children"].__setitem__(tree["left_children"][0], 0),
    "a child below zero": lambda tree: tree["left_children"].__setitem__(0, -5),
    "a column far outside": lambda tree: tree["split_indices"].__setitem__(0, 1_000_000_000),
    "too few thresholds": lambda tree: tree["split_conditions"].pop(),
    "more nodes than there are": lambda tree: tree["tree_param"].__setitem__("num_nodes", "1000000"),
}


@pytest.mark.parametrize("craft", XGBOOST_CRAFT)
def test_crafted_trees_of_xgboost_are_refused(craft: str) -> None:
    model, _ = xgboost_models()["two classes"]
    written = json.loads(model.get_booster().save_raw("json"))
    XGBOOST_CRAFT[craft](written["learner"]["gradient_booster"]["model"]["trees"][0])
    with pytest.raises(ModelError, match="damaged tree|cannot load"):
        BOOSTERS["xgboost"].load_model(json.dumps(written).encode(), "model.json")


LIGHTGBM_CRAFT = {
    "a child far outside": ("left_child=", "left_child=2000000000 "),
    "a column far outside": ("split_feature=", "split_feature=99999999 "),
    "more leaves than there are": ("num_leaves=", "num_leaves=9"),
    "no leaves": ("leaf_value=", "leaf_worth="),
    "words": ("threshold=", "threshold=wide "),
    "more outputs than there are": ("num_tree_per_iteration=1", "num_tree_per_iteration=0"),
}


@pytest.mark.parametrize("craft", LIGHTGBM_CRAFT)
def test_crafted_trees_of_lightgbm_are_refused_before_it_reads_them(
    craft: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model, _ = lightgbm_models()["two classes"]
    text = model.booster_.model_to_string().replace(*LIGHTGBM_CRAFT[craft], 1)
    monkeypatch.setattr(lightgbm, "Booster", lambda **_: pytest.fail("LightGBM was given the file"))
    with pytest.raises(ModelError, match="damaged tree"):
        BOOSTERS["lightgbm"].load_model(text.encode(), "model.txt")


def test_text_that_is_no_model_is_said_so() -> None:
    pytest.importorskip("lightgbm")
    with pytest.raises(ModelError, match="Expected a model of LightGBM: text from `tree`"):
        lightgbm_runtime.load_model(b"a,b\n1,2\n", "rows.txt")


def test_zeros_that_stand_for_missing_values_are_not_compiled() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    sparse = np.where(np.abs(NUMBERS) < 0.4, 0.0, NUMBERS)
    model = lightgbm.LGBMClassifier(
        n_estimators=20, min_child_samples=2, zero_as_missing=True, verbose=-1, n_jobs=1
    ).fit(sparse, TARGET)
    assert (read_forest(model) or pytest.fail()).refused == "zeros that stand for missing values"


def test_a_pickle_opens_no_file_through_a_constructor(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")

    class Opens:
        def __reduce__(self) -> Any:
            return lightgbm.Booster, (None, None, str(tmp_path / "secret"))

    class OpensByBase:
        def __reduce__(self) -> Any:
            import copyreg

            return copyreg._reconstructor, (lightgbm.Booster, lightgbm.Booster, {})  # type: ignore[attr-defined]  # typeshed leaves it out

    for gadget in (Opens(), OpensByBase()):
        with pytest.raises(Untrusted, match="which no file of an ordinary estimator does"):
            unpickle(pickle.dumps(gadget))
