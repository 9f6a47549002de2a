"""`headgate.load(bundle).predict(data)` takes data as the user has it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import headgate
from headgate.bundle.bundle import open_bundle
from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.bundle.signing import TrustedKeys, load_or_create_key, sign_folder
from headgate.errors import NotFound, SignatureMismatch, Untrusted
from headgate.records import Column, Signature
from headgate.testing.bundles import BuiltBundle, LinearModel, build_bundle, write_bundle

ROWS = [{"age": 1.0, "city": "Rome"}, {"age": None, "city": None}]
SIGNATURE = Signature(
    inputs=(Column(name="age", dtype="float64", nullable=True), Column(name="city", dtype="string", nullable=True))
)
ECHO = (
    b"class Model:\n    def predict(self, columns):\n"
    b"        return [f'{age}/{city}' for age, city in zip(columns['age'], columns['city'])]\n\nmodel = Model()\n"
)


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for the user's key, in which none is yet."""
    monkeypatch.setenv("HEADGATE_SIGNING_KEY", str(tmp_path / "signing.key"))
    return tmp_path / "signing.key"


def echo(cache: Path) -> BuiltBundle:
    manifest = Manifest(
        name="echo",
        framework="python",
        task="other",
        signature=SIGNATURE,
        forms={"native": Form(runtime="python", path="model.py", options={"input": "columns"})},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
    )
    return write_bundle(cache, manifest, {"model.py": ECHO})


def pandas_frame() -> Any:
    return pytest.importorskip("pandas").DataFrame(ROWS)


def pandas_with_levels() -> Any:
    return pandas_frame().astype({"city": "category"})


def polars_frame() -> Any:
    return pytest.importorskip("polars").DataFrame(ROWS)


def arrow_table() -> Any:
    return pytest.importorskip("pyarrow").Table.from_pylist(ROWS)


DATA: dict[str, Callable[[], Any]] = {
    "rows": lambda: ROWS,
    "columns": lambda: {"age": [1.0, None], "city": ["Rome", None]},
    "lists": lambda: [[1.0, "Rome"], [None, None]],
    "object matrix": lambda: np.array([[1.0, "Rome"], [None, None]], dtype=object),
    "pandas": pandas_frame,
    "pandas with levels": pandas_with_levels,
    "pandas with more columns": lambda: pandas_frame().assign(more=1)[["more", "city", "age"]],
    "polars": polars_frame,
    "arrow": arrow_table,
}


@pytest.mark.parametrize("kind", DATA)
def test_data_comes_in_any_shape(tmp_path: Path, key: Path, kind: str) -> None:
    built = echo(tmp_path / "cache")
    sign_folder(built.folder, load_or_create_key(key))
    assert headgate.load(built.folder).predict(DATA[kind]()).tolist() == ["1.0/Rome", "nan/None"]


def test_a_classifier_answers_probabilities_too(tmp_path: Path) -> None:
    model = LinearModel(features=("a", "b"), weights=(1.0, -1.0))
    loaded = headgate.load(str(build_bundle(tmp_path, model).folder))
    assert loaded.predict([[2, 1], [1, 2]]).tolist() == [1, 0]
    assert loaded.predict(np.array([[2, 1], [1, 2]])).tolist() == [1, 0]
    assert loaded.predict_proba([{"a": 0, "b": 0}]).tolist() == [[0.5, 0.5]]
    loaded.close()


def test_a_bundle_and_its_file_load_alike(tmp_path: Path) -> None:
    built = build_bundle(tmp_path, LinearModel(task="regression"))
    packed = open_bundle(built.folder).pack(tmp_path / "fraud.hgb")
    row = [[1.0, 2.0, 3.0]]
    answers = [headgate.load(given).predict(row).tolist() for given in (open_bundle(built.folder), packed, str(packed))]
    assert answers[0] == answers[1] == answers[2]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    loaded = headgate.load(build_bundle(tmp_path, LinearModel(task="regression")).folder)
    with pytest.raises(SignatureMismatch, match="3 features"):
        loaded.predict([[1, 2]])
    with pytest.raises(SignatureMismatch, match="'balance' is missing"):
        loaded.predict({"age": [1], "income": [1]})
    with pytest.raises(SignatureMismatch, match="'age' should hold"):
        loaded.predict([["a", 1, 1]])
    nothings: list[Any] = [[], "age", None, 5]
    for nothing in nothings:
        with pytest.raises(SignatureMismatch):
            loaded.predict(nothing)
    with pytest.raises(NotFound, match="no probabilities"):
        loaded.predict_proba([[1, 2, 3]])
    with pytest.raises(NotFound, match="no form 'native'"):
        headgate.load(build_bundle(tmp_path).folder, form="native")


def test_code_is_run_for_its_signer_alone(tmp_path: Path, key: Path) -> None:
    built, stranger = echo(tmp_path / "cache"), Ed25519PrivateKey.generate()
    with pytest.raises(Untrusted, match="not signed"):
        headgate.load(built.folder)
    assert not key.exists()
    sign_folder(built.folder, stranger)
    load_or_create_key(key)
    with pytest.raises(Untrusted, match="not trusted here"):
        headgate.load(built.folder)
    headgate.load(built.folder, trusted=TrustedKeys().and_key(stranger))
    sign_folder(built.folder, load_or_create_key(key))
    headgate.load(built.folder)
