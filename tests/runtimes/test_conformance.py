"""Every runtime in the table passes the shipped suite, and a new one cannot be left out of it."""

import io
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from headgate.errors import HeadgateError, ModelError, Untrusted
from headgate.records import Column, Signature
from headgate.runtimes.registry import RUNTIMES
from headgate.testing.bundles import LinearModel, linear_graph
from headgate.testing.runtime import FAKE_RUNTIME
from headgate.testing.runtime_conformance import CHECKS, RuntimeCase

CANARY = Path(tempfile.gettempdir()) / f"headgate-canary-{os.getpid()}"


class Gadget:
    """Touches the canary when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (CANARY,)


def sklearn_case() -> RuntimeCase:
    linear_model = pytest.importorskip("sklearn.linear_model")
    table, target = np.random.RandomState(0).rand(20, 2), np.arange(20) % 2
    return RuntimeCase(
        name="sklearn",
        file="model.joblib",
        content=joblib_bytes(linear_model.LogisticRegression().fit(table, target)),
        failing=joblib_bytes(linear_model.LogisticRegression().fit(table[:, :1], target)),
        harmful=joblib_bytes([Gadget()]),
        task="classification",
        classes=(0, 1),
    )


def onnx_case() -> RuntimeCase:
    pytest.importorskip("onnx")
    features = {"features": ("a", "b"), "weights": (1.0, 2.0)}
    return RuntimeCase(
        name="onnx",
        file="model.onnx",
        content=linear_graph(LinearModel(task="regression", **features)),  # type: ignore[arg-type]  # two fields
        failing=linear_graph(LinearModel(task="regression", fails_at=-1.0, **features)),  # type: ignore[arg-type]  # as above
        harmful=pickle.dumps(Gadget()),
    )


def python_case() -> RuntimeCase:
    return RuntimeCase(
        name="python",
        file="model.py",
        content=python_model("return rows.sum(axis=1)"),
        failing=python_model("raise KeyError('no such thing')"),
    )


def python_model(body: str) -> bytes:
    return f"class Model:\n    def predict(self, rows):\n        {body}\n\nmodel = Model()\n".encode()


def torch_case() -> RuntimeCase:
    torch = pytest.importorskip("torch", reason="no PyTorch here: make test-deep installs it")

    class Weighted(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch is not followed
        def __init__(self, *weights: float) -> None:
            super().__init__()
            self.weights = torch.nn.Parameter(torch.tensor(weights))

        def forward(self, features: Any) -> Any:
            return (features * self.weights).sum(dim=1)

    def exported(*weights: float) -> bytes:
        rows = {0: torch.export.Dim.DYNAMIC}
        program = torch.export.export(Weighted(*weights), (torch.zeros(3, len(weights)),), dynamic_shapes=(rows,))
        file = io.BytesIO()
        torch.export.save(program, file)
        return file.getvalue()

    return RuntimeCase(
        name="torch",
        file="model.pt2",
        content=exported(1.0, 2.0),
        failing=exported(1.0, 2.0, 3.0),
        harmful=pickle.dumps(Gadget()),
    )


def keras_case() -> RuntimeCase:
    pytest.importorskip("torch", reason="no PyTorch here: make test-deep installs it")
    from tests.deep.keras_made import saved, summing

    return RuntimeCase(
        name="keras",
        file="model.keras",
        content=saved(summing(2)),
        failing=saved(summing(3)),
        harmful=pickle.dumps(Gadget()),
    )


def transformers_case() -> RuntimeCase:
    pytest.importorskip("torch", reason="no PyTorch here: make test-deep installs it")
    pytest.importorskip("transformers", reason="no transformers here: make test-deep installs them")
    from tests.deep.transformers_made import made_files

    files = made_files("generation")
    return RuntimeCase(
        name="transformers",
        file="model/model.safetensors",
        content=files.pop("model.safetensors"),
        harmful=pickle.dumps(Gadget()),
        task="other",
        signature=Signature(inputs=(Column(name="text", dtype="string"),)),
        path="model",
        more={f"model/{name}": content for name, content in files.items()},
        options={"max_new_tokens": "4"},
    )


def fake_case() -> RuntimeCase:
    return RuntimeCase(name="fake", file="model.json", content=b'{"bias": 1}', failing=b'{"fails_at": 0}')


def xgboost_case() -> RuntimeCase:
    xgboost = pytest.importorskip("xgboost")
    frame = boosted_frame()
    levels = frame.assign(a=pandas_levels(frame["a"]))
    return RuntimeCase(
        name="xgboost",
        file="model.ubj",
        content=xgboost_bytes(xgboost.XGBClassifier(n_estimators=3).fit(frame, BOOSTED_TARGET)),
        # the rows' numbers are none of these levels
        failing=xgboost_bytes(
            xgboost.XGBClassifier(n_estimators=3, enable_categorical=True).fit(levels, BOOSTED_TARGET)
        ),
        harmful=pickle.dumps(Gadget()),
        task="classification",
        classes=(0, 1),
    )


def lightgbm_case() -> RuntimeCase:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=2, verbose=-1)
    return RuntimeCase(
        name="lightgbm",
        file="model.txt",
        content=model.fit(boosted_frame(), BOOSTED_TARGET).booster_.model_to_string().encode(),
        harmful=pickle.dumps(Gadget()),
        task="classification",
        classes=(0, 1),
    )


def catboost_case() -> RuntimeCase:
    catboost = pytest.importorskip("catboost")
    frame = boosted_frame()
    options = {"iterations": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    words = frame.assign(a=frame["a"].astype(str))
    return RuntimeCase(
        name="catboost",
        file="model.cbm",
        content=catboost.CatBoostClassifier(**options).fit(frame, BOOSTED_TARGET)._serialize_model(),
        # CatBoost takes no fraction as a category
        failing=catboost.CatBoostClassifier(cat_features=["a"], **options)
        .fit(words, BOOSTED_TARGET)
        ._serialize_model(),
        harmful=pickle.dumps(Gadget()),
        task="classification",
        classes=(0, 1),
    )


def pmml_case() -> RuntimeCase:
    pytest.importorskip("sklearn_pmml_model", reason="no reader of PMML here: make test-all installs it")
    fields = "".join(f'<DataField name="{name}" optype="continuous" dataType="double"/>' for name in "aby")
    schema = '<MiningField name="y" usageType="target"/><MiningField name="a"/><MiningField name="b"/>'
    table = '<NumericPredictor name="a" coefficient="2"/><NumericPredictor name="b" coefficient="3"/>'
    content = (
        f'<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><DataDictionary>{fields}</DataDictionary>'
        f'<RegressionModel functionName="regression"><MiningSchema>{schema}</MiningSchema>'
        f'<RegressionTable intercept="1">{table}</RegressionTable></RegressionModel></PMML>'
    )
    return RuntimeCase(name="pmml", file="model.pmml", content=content.encode(), harmful=pickle.dumps(Gadget()))


BOOSTED_TARGET = np.arange(40) % 2


def boosted_frame() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"a": BOOSTED_TARGET + np.linspace(-1, 1, 40), "b": np.linspace(1, -1, 40)})


def pandas_levels(column: Any) -> Any:
    return pytest.importorskip("pandas").Categorical((column * 10).round().astype(int))


def xgboost_bytes(model: Any) -> bytes:
    return bytes(model.get_booster().save_raw("ubj"))


CASES: dict[str, Callable[[], RuntimeCase]] = {
    "sklearn": sklearn_case, "onnx": onnx_case, "python": python_case, "fake": fake_case,
    "xgboost": xgboost_case, "lightgbm": lightgbm_case, "catboost": catboost_case, "pmml": pmml_case,
    "torch": torch_case, "keras": keras_case, "transformers": transformers_case,
}  # fmt: skip


# the frameworks that `make test-all` installs
MARKS = dict.fromkeys(("xgboost", "lightgbm", "catboost"), pytest.mark.heavy)


def joblib_bytes(model: Any) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue()


@pytest.fixture(autouse=True)
def _fake_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES, "fake", FAKE_RUNTIME)


@pytest.fixture(autouse=True)
def _no_code_runs() -> Iterator[None]:
    CANARY.unlink(missing_ok=True)
    yield
    assert not CANARY.exists()


def test_every_runtime_has_a_case() -> None:
    assert sorted(CASES) == sorted(RUNTIMES)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in sorted(CASES)])
def test_runtime_conforms(name: str, check: Callable[[RuntimeCase, Path], None], tmp_path: Path) -> None:
    check(CASES[name](), tmp_path)


# what of its library a loader calls: (module, what stands in for it)
CALLED: dict[str, tuple[str, str]] = {
    "onnx": ("onnxruntime", "InferenceSession"), "sklearn": ("sklearn.linear_model", "LogisticRegression.get_params"),
    "python": ("builtins", "compile"), "fake": ("headgate.testing.runtime", "_read"),
    "xgboost": ("xgboost", "Booster.load_model"), "lightgbm": ("lightgbm", "Booster.__init__"),
    "catboost": ("catboost", "CatBoost.load_model"),
    "pmml": ("sklearn_pmml_model.auto_detect", "auto_detect_estimator"),
    "torch": ("torch.export", "load"), "keras": ("keras.saving", "load_model"),
    "transformers": ("transformers.AutoConfig", "for_model"),
}  # fmt: skip


@pytest.mark.parametrize("raised", [ValueError("odd"), MemoryError(), SystemExit(3), Untrusted("not so")], ids=repr)
@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in sorted(CALLED)])
def test_what_a_library_raises_at_load_is_translated(
    name: str, raised: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]()
    case.load(tmp_path)
    asked = []

    def fails(*arguments: object, **named: object) -> None:
        asked.append(arguments)
        raise raised

    module, attribute = CALLED[name]
    monkeypatch.setattr(f"{module}.{attribute}", fails)
    with pytest.raises((ModelError, Untrusted)) as caught:
        case.load(tmp_path)
    monkeypatch.undo()
    assert asked
    # our own errors pass as they are
    assert caught.value is raised if isinstance(raised, HeadgateError) else caught.value.__cause__ is raised
    assert str(raised) in caught.value.message


def test_every_library_is_made_to_fail() -> None:
    assert sorted(CALLED) == sorted(RUNTIMES)


def test_the_gadget_would_touch_the_canary() -> None:
    pickle.loads(pickle.dumps(Gadget()))
    assert CANARY.exists()
    CANARY.unlink()
