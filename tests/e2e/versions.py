"""Models for the acceptance tests: each version of a model gives an answer that no other gives."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path

from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.manifest import GOLDEN, Environment, Form, Manifest
from headgate.bundle.signing import load_or_create_key, sign_folder
from headgate.demo.load import Expected, Question
from headgate.records import Column, Signature
from headgate.testing.bundles import LinearModel, build_bundle, write_bundle

ROWS = (
    {"age": 3.0, "income": 1.0, "balance": 2.0},
    {"age": -8.0, "income": 30.0, "balance": 4.0},
    {"age": 0.0, "income": 0.0, "balance": 0.5},
)
SCALING_SOURCE = """
class Scaling:
    def predict(self, rows):
        return [row * {factor} for row in rows[:, 0]]

{before}
model = Scaling()
"""


def compiled(folder: Path, number: int, name: str = "fraud") -> tuple[Bundle, LinearModel]:
    """A version that runs inside the workers."""
    model = LinearModel(name=name, bias=number / 4)
    return open_bundle(build_bundle(folder, model).folder), model


def questions(models: Mapping[str, LinearModel]) -> list[Question]:
    """One request per row, with what each version ("fraud:1") answers to it."""
    asked = []
    for row in ROWS:
        answers = {version: model.answer(row) for version, model in models.items()}
        expected = {
            version: Expected([answer["predictions"]], [answer["probabilities"]]) for version, answer in answers.items()
        }
        asked.append(Question(json.dumps({"rows": [row]}).encode(), expected))
    return asked


def hosted(folder: Path, key: Path, factor: float, *, before: str = "", golden_factor: float | None = None) -> Bundle:
    """A version in plain Python, x → x · factor, which runs in a model host; `before` runs when it is loaded."""
    xs = [1.0, 2.5]
    expected = factor if golden_factor is None else golden_factor
    golden = {
        "format": 1,
        "inputs": {"columns": {"x": xs}},
        "outputs": {"predictions": [x * expected for x in xs]},
        "tolerance": {"absolute": 1e-9, "relative": 1e-9},
    }
    manifest = Manifest(
        name="scaling",
        framework="python",
        task="regression",
        signature=Signature(
            inputs=(Column(name="x", dtype="float64", example=1.0),),
            outputs=(Column(name="predictions", dtype="float64"),),
        ),
        forms={"native": Form(runtime="python", path="model.py")},
        serves="native",
        environment=Environment(python=platform.python_version().rpartition(".")[0]),
        files={},
    )
    source = SCALING_SOURCE.format(factor=factor, before=before)
    built = write_bundle(folder, manifest, {"model.py": source.encode(), GOLDEN: json.dumps(golden).encode()})
    sign_folder(built.folder, load_or_create_key(key))
    return open_bundle(built.folder)


def scaling_question(factors: Mapping[str, float], x: float = 3.0) -> Question:
    """One request to `scaling`, with what each version answers."""
    answers = {version: Expected([x * factor]) for version, factor in factors.items()}
    return Question(json.dumps({"rows": [{"x": x}]}).encode(), answers)
