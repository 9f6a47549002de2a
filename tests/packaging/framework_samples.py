"""A small model of every framework in the table, made here."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from tests.packaging.estimators import iris
from tests.runtimes.test_pmml import NUMBER, TEXT, TREE

from headgate.testing.bundles import LinearModel, linear_graph

PLAIN = """
class Doubler:
    def predict(self, rows):
        return rows[:, 0] * 2

model = Doubler()
"""
NUMBERS = np.array([[0.5], [1.5]])


@dataclass(frozen=True)
class Sample:
    """What a test packages."""

    make: Callable[[Path], Any]  # into a folder: an object, or the path of a file or folder
    data: Any = None  # where the model does not say what it takes
    library: str = ""  # module that makes or reads it; empty where every environment of ours has it


def _onnx(folder: Path) -> Path:
    path = folder / "given.onnx"
    path.write_bytes(linear_graph(LinearModel()))
    return path


def _pmml(folder: Path) -> Path:
    path = folder / "given.pmml"
    # sklearn-pmml-model takes numbers alone
    path.write_text(TREE.replace(TEXT, NUMBER))
    return path


def _python(folder: Path) -> Path:
    path = folder / "given.py"
    path.write_text(PLAIN)
    return path


def _boosted(module: str, wrapper: str, **options: Any) -> Callable[[Path], Any]:
    return lambda _folder: getattr(importlib.import_module(module), wrapper)(**options).fit(*iris())


def _pytorch(folder: Path) -> Path:
    import torch

    torch.manual_seed(0)
    program = torch.export.export(
        torch.nn.Linear(4, 3), (torch.zeros(2, 4),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    torch.export.save(program, folder / "given.pt2")
    return folder / "given.pt2"


def _keras(folder: Path) -> Path:
    path = folder / "given.keras"
    made = importlib.import_module("tests.deep.keras_made")
    path.write_bytes(made.saved(made.classifier()))
    return path


def _transformer(folder: Path) -> Path:
    made: Path = importlib.import_module("tests.deep.transformers_made").made_folder(folder / "given", "classification")
    return made


SAMPLES: dict[str, Sample] = {
    "onnx": Sample(_onnx),
    "xgboost": Sample(_boosted("xgboost", "XGBClassifier", n_estimators=3, n_jobs=1), library="xgboost"),
    "lightgbm": Sample(
        _boosted("lightgbm", "LGBMClassifier", n_estimators=3, n_jobs=1, verbose=-1), library="lightgbm"
    ),
    "pytorch": Sample(_pytorch, library="torch"),
    "keras": Sample(_keras, library="keras"),
    "catboost": Sample(
        _boosted("catboost", "CatBoostClassifier", iterations=3, verbose=0, thread_count=1, allow_writing_files=False),
        library="catboost",
    ),
    "pmml": Sample(_pmml, library="sklearn_pmml_model"),
    "transformers": Sample(_transformer, {"text": ["good cat", "bad dog"]}, "transformers"),
    "scikit-learn": Sample(lambda _folder: LogisticRegression(max_iter=500).fit(*iris())),
    "python": Sample(_python, NUMBERS),
}
