"""skops files are held against the list that pickles are held against."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import headgate
from headgate.errors import ModelError, Untrusted
from headgate.runtimes.skops import foreign_types, load_skops

skops = pytest.importorskip("skops.io", reason="no skops here: make test-deep installs it")
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]
TABLE = np.random.default_rng(0).normal(size=(60, 3))
LABELS = (TABLE[:, 0] > 0).astype(int)


def unknown(rows: Any) -> Any:
    return rows


def test_a_forest_is_packaged_and_compiled(tmp_path: Path) -> None:
    fitted = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(TABLE, LABELS)
    skops.dump(fitted, tmp_path / "model.skops")
    bundle = headgate.package(tmp_path / "model.skops", name="m", data=TABLE, target=LABELS, output=tmp_path / "b")
    assert (bundle.manifest.framework, bundle.manifest.trusted_code) == ("scikit-learn", ())
    assert not bundle.manifest.forms["onnx"].refused
    for form in ("native", "onnx"):
        assert headgate.load(bundle, form=form).predict(TABLE).tolist() == fitted.predict(TABLE).tolist()


def test_a_function_of_the_users_own_needs_trust(tmp_path: Path) -> None:
    fitted = make_pipeline(FunctionTransformer(unknown), LogisticRegression()).fit(TABLE, LABELS)
    content = skops.dumps(fitted)
    (name,) = foreign_types(content)
    assert name.endswith(("unknown", "function"))
    (tmp_path / "model.skops").write_bytes(content)
    with pytest.raises(Untrusted, match="--trust-code"):
        headgate.package(tmp_path / "model.skops", name="m", data=TABLE, output=tmp_path / "b")


def changed(content: bytes, before: str, after: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            text = source.read(name)
            archive.writestr(name, text.replace(before.encode(), after.encode()) if name == "schema.json" else text)
    return target.getvalue()


def test_what_a_file_may_not_name() -> None:
    content = skops.dumps(LogisticRegression().fit(TABLE, LABELS))
    assert foreign_types(content) == []
    evil = changed(content, '"LogisticRegression"', '"system"')
    evil = changed(evil, '"sklearn.linear_model._logistic"', '"os"')
    with pytest.raises(Untrusted, match=r"os\.system"):
        load_skops(evil)
    with pytest.raises(Untrusted):
        load_skops(changed(content, '"ObjectNode"', '"MethodNode"'))


def test_what_is_built_is_looked_at() -> None:
    opens = TfidfVectorizer().fit(["some words"])
    opens.input = "filename"
    with pytest.raises(Untrusted, match="opens files"):
        load_skops(skops.dumps(opens))
    forest = RandomForestClassifier(2, random_state=0).fit(TABLE, LABELS)
    forest.estimators_[0].tree_.children_left[0] = 10_000
    with pytest.raises((Untrusted, ModelError)):
        load_skops(skops.dumps(forest))


@pytest.mark.parametrize("content", [b"", b"PK", json.dumps({}).encode()])
def test_no_skops_file(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"skops\.io\.dump"):
        load_skops(content)
