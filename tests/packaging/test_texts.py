"""Text pipelines: compiled where the graph reads text as Python does, served as they are where not; in any locale."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tests.packaging.conftest import Package

import headgate

WORDS = ["good", "bad", "film", "very", "not", "awful", "thing", "nice", "plot", "actor"]
TEXTS = [" ".join(np.random.default_rng(row).choice(WORDS, 6)) for row in range(120)]
LABELS = [int("good" in text or "nice" in text) for text in TEXTS]
STRANGE = ["goodé film", "GOOD", "İgood", "good\u00a0nice", "", "ß"]
ASCII = r"[a-zA-Z0-9_]+"


def fitted(**options: Any) -> Any:
    return make_pipeline(TfidfVectorizer(**options), LogisticRegression()).fit(TEXTS, LABELS)


def test_words_that_the_graph_parts_otherwise_keep_the_original(package: Package) -> None:
    # the data alone does not show it: it is plain English
    bundle = package(fitted(), data={"text": TEXTS}, target=LABELS)
    assert bundle.manifest.serves == "native"
    assert "compared rows differently" in bundle.manifest.serves_because or "off by" in bundle.manifest.serves_because
    expected = fitted().predict_proba(STRANGE)
    np.testing.assert_allclose(headgate.load(bundle).predict_proba({"text": STRANGE}), expected)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_slim_locale_is_enough(tmp_path: Path, locale: str) -> None:
    source = f"""
import json, sys, headgate
from tests.packaging.test_texts import *
bundle = headgate.package(fitted(token_pattern=ASCII, lowercase=False), name="m", data={{"text": TEXTS}},
                          target=LABELS, output={str(tmp_path / "b")!r})
forms = {{form: headgate.load(bundle, form=form).predict_proba({{"text": STRANGE}}).tolist()
         for form in bundle.manifest.forms if not bundle.manifest.forms[form].refused}}
json.dump({{"serves": bundle.manifest.serves, "because": bundle.manifest.serves_because, "forms": forms}}, sys.stdout)
"""
    environment = os.environ | {"LC_ALL": locale, "LANG": locale, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    expected = fitted(token_pattern=ASCII, lowercase=False).predict_proba(STRANGE)
    for answered in told["forms"].values():
        np.testing.assert_allclose(answered, expected, atol=1e-6)
    assert "locale" not in told["because"], told["because"]
