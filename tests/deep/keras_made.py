"""Small Keras models, made here."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="no Keras here: make test-deep installs it")


def summing(features: int) -> Any:
    """The sum of the features."""
    given = keras.Input((features,), dtype="float64")
    return keras.Model(given, keras.ops.sum(given, axis=1))


def classifier() -> Any:
    """Three classes of four numbers, as probabilities."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input((4,)), *layers])


def saved(model: Any) -> bytes:
    """The bytes of its file."""
    with TemporaryDirectory() as place:
        path = Path(place) / "model.keras"
        model.save(path)
        return path.read_bytes()
