"""Models in plain Python get the table that they ask for, and their answers become outputs."""

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import ModelError, Untrusted
from headgate.records import Column, Dtype, Signature, Task
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.python import PythonModel, PythonRuntime
from headgate.testing.bundles import write_bundle


def columns(*dtypes: Dtype) -> Signature:
    return Signature(inputs=tuple(Column(name=f"c{place}", dtype=dtype) for place, dtype in enumerate(dtypes)))


def load(
    cache: Path,
    content: bytes | str,
    signature: Signature | None = None,
    task: Task = "regression",
    path: str = "model.py",
    trusted: tuple[str, ...] = (),
    **options: str,
) -> PythonModel:
    manifest = Manifest(
        name="fraud",
        framework="python",
        task=task,
        signature=signature or columns("float64", "float64"),
        forms={"native": Form(runtime="python", path=path, options=options)},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
        trusted_code=trusted,
    )
    built = write_bundle(cache, manifest, {path: content.encode() if isinstance(content, str) else content})
    return PythonRuntime().load(built.folder, built.manifest, "native")


def model(body: str, more: str = "") -> str:
    return f"import numpy as np\nclass Model:\n    def predict(self, rows):\n        {body}\n{more}\nmodel = Model()\n"


def ask(loaded: PythonModel, signature: Signature | None = None, **given: list[Any]) -> dict[str, list[Any]]:
    given = given or {"c0": [1, 2], "c1": [3, 4]}
    outputs = loaded.predict(batch_from_columns(signature or columns("float64", "float64"), given))
    return {name: array.tolist() for name, array in outputs.items()}


class Tripled:
    """A user's object that is pickled."""

    def predict(self, rows: Any) -> Any:
        return rows[:, 0] * 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("rows.sum(axis=1)", [4.0, 6.0]), ("[1, 2]", [1, 2]), ("['a', 'b']", ["a", "b"]), ("rows", [[1, 3], [2, 4]]),
        ("(x for x in [1, 2]) and [1, 2]", [1, 2]), ("np.array(['a', 'b'])", ["a", "b"]),
    ],
)  # fmt: skip
def test_answers_become_arrays(tmp_path: Path, answer: str, expected: list[Any]) -> None:
    assert ask(load(tmp_path, model(f"return {answer}"))) == {"predictions": expected}


def test_a_mapping_names_the_outputs(tmp_path: Path) -> None:
    body = "return {'predictions': [0, 1], 'probabilities': [[1, 0], [0, 1]]}"
    assert ask(load(tmp_path, model(body)))["probabilities"] == [[1, 0], [0, 1]]
    with pytest.raises(ModelError, match="expected 'predictions'"):
        ask(load(tmp_path, model("return {'scores': [0, 1]}")))


def test_probabilities_of_a_classifier(tmp_path: Path) -> None:
    source = model("return [0, 1]", "    def predict_proba(self, rows):\n        return [[1, 0], [0, 1]]")
    assert ask(load(tmp_path, source, task="classification"))["probabilities"] == [[1, 0], [0, 1]]
    assert "probabilities" not in ask(load(tmp_path, source, task="regression"))


@pytest.mark.parametrize(
    ("asked", "kind"), [("frame", "DataFrame"), ("matrix", "ndarray"), ("columns", "dict"), ("", "ndarray")]
)
def test_the_table_that_is_asked_for(tmp_path: Path, asked: str, kind: str) -> None:
    pytest.importorskip("pandas")
    source = model("return [type(rows).__name__] * 2")
    loaded = load(tmp_path, source, input=asked) if asked else load(tmp_path, source)
    assert ask(loaded) == {"predictions": [kind] * 2}


def test_text_comes_in_a_frame_by_itself(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    signature = columns("string", "float64")
    loaded = load(tmp_path, model("return rows['c0'].fillna('-') + rows['c1'].astype(str)"), signature)
    assert ask(loaded, signature, c0=["a", None], c1=[1, 2]) == {"predictions": ["a1.0", "-2.0"]}


def test_an_unknown_table(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'polars', expected frame"):
        load(tmp_path, model("return rows"), input="polars")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1/0", "ZeroDivisionError"), ("import not_installed_here", "ModuleNotFoundError"), ("x = 1", "define `model`"),
        ("def f(:", "SyntaxError"), ("model = 1", "got a int"), ("raise SystemExit(3)", "SystemExit"),
    ],
)  # fmt: skip
def test_files_that_are_no_models(tmp_path: Path, source: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load(tmp_path, source)


def test_errors_are_translated(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="2 rows: KeyError: 'nothing'"):
        ask(load(tmp_path, model("raise KeyError('nothing')")))


def test_a_file_finds_what_lies_beside_it_and_writes_nothing(tmp_path: Path) -> None:
    source = model("return [str(HERE.name)] * 2") + "\nfrom pathlib import Path\nHERE = Path(__file__)\n"
    assert ask(load(tmp_path, source)) == {"predictions": ["model.py"] * 2}
    assert not list(tmp_path.rglob("__pycache__"))


def test_dataclasses_and_pickles_work_in_a_file(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nimport dataclasses, pickle\n"
        "@dataclasses.dataclass\nclass Model:\n    bias: float = 1.0\n"
        "    def predict(self, rows):\n        return rows.sum(axis=1) + self.bias\n"
        "model = pickle.loads(pickle.dumps(Model(2.0)))\n"
    )
    assert ask(load(tmp_path, source)) == {"predictions": [6.0, 8.0]}


def test_two_files_are_two_modules(tmp_path: Path) -> None:
    first = load(tmp_path / "1", model("return [STATE] * 2") + "STATE = 1\n")
    second = load(tmp_path / "2", model("return [STATE] * 2") + "STATE = 2\n")
    assert ask(first) == {"predictions": [1, 1]}
    assert ask(second) == {"predictions": [2, 2]}
    assert type(first.model).__module__ != type(second.model).__module__
    assert type(first.model).__module__ in sys.modules


def test_a_pickled_object_needs_its_class_trusted(tmp_path: Path) -> None:
    name = f"{Tripled.__module__}.Tripled"
    content = pickle.dumps(Tripled())
    with pytest.raises(Untrusted, match="Tripled"):
        load(tmp_path / "1", content, path="model.pkl")
    assert ask(load(tmp_path / "2", content, path="model.pkl", trusted=(name,))) == {"predictions": [3, 6]}


def test_a_cloudpickled_object_loads_with_all_that_it_names_trusted(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    from headgate.bundle.globals import foreign_globals_in

    factor = 5

    class Scaled:
        def predict(self, rows: Any) -> Any:
            return rows[:, 0] * factor

    content = cloudpickle.dumps(Scaled())
    names = foreign_globals_in(content)
    assert "cloudpickle.cloudpickle._make_function" in names
    with pytest.raises(Untrusted):
        load(tmp_path / "1", content, path="model.pkl", trusted=names[1:])
    assert ask(load(tmp_path / "2", content, path="model.pkl", trusted=names)) == {"predictions": [5, 10]}


def test_integers_and_truth_keep_their_types(tmp_path: Path) -> None:
    signature = columns("int64", "bool")
    loaded = load(tmp_path, model("return [str(rows[c].dtype) for c in rows]"), signature, input="columns")
    assert ask(loaded, signature, c0=[1, 2], c1=[True, False]) == {"predictions": ["int64", "bool"]}
    assert np.asarray([1]).dtype == np.int64
