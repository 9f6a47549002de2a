"""Keras, over PyTorch: models in its own format, which names their classes."""

from functools import partial
from pathlib import Path
from typing import Any

from headgate.errors import UnsupportedType
from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.distributions import version_of
from headgate.packaging.frameworks.framework import Compiling, Files, Framework, Kept, Needs, Objects, Trust
from headgate.packaging.frameworks.pytorch import network_facts, network_layouts, network_scores
from headgate.runtimes.keras import foreign_names, open_keras

HDF5 = (".h5", ".hdf5")


def _is_tensorflow(path: Path) -> bool:
    """Whether it is in one of TensorFlow's own formats, which are refused with the way round."""
    return _is_saved_model(path) or path.suffix.lower() in HDF5


def _is_saved_model(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


def _keep_file(path: Path, folder: Path, trust: Trust) -> Kept:
    _refuse_tensorflow(path)
    kept = copied(path, folder)
    return Kept(kept.name, trusted=tuple(name for name in foreign_names(kept.read_bytes()) if name in trust))


def _refuse_tensorflow(path: Path) -> None:
    """Raises `UnsupportedType` with the way round for what needs TensorFlow (1.5 GB), or may hold code."""
    if _is_saved_model(path):
        raise UnsupportedType(
            f"{path} is a TensorFlow SavedModel. Convert it where TensorFlow is: "
            f"python -m tf2onnx.convert --saved-model {path} --output model.onnx, and package model.onnx."
        )
    if path.suffix.lower() in HDF5:
        raise UnsupportedType(
            f"{path} is in Keras' old format, which may hold code. Load it where it was made, "
            f"model.save('model.keras'), and package that."
        )


def _holds(model: Any) -> bool:
    return type(model).__module__.startswith("keras.")


def _keep_object(model: Any, folder: Path, trust: Trust) -> Kept:
    given = folder / "given.keras"
    model.save(given)
    kept = _keep_file(given, folder, trust)
    given.unlink()
    return kept


def _facts(kept: Kept, folder: Path) -> Facts:
    _, inputs = open_keras((folder / kept.file).read_bytes(), kept.trusted)
    return network_facts(inputs)


KERAS = Framework(
    name="keras",
    runtime="keras",
    version=partial(version_of, "keras"),
    facts=_facts,
    compiling=Compiling("headgate.packaging.network_converter:convert_keras", network_layouts),
    needs=Needs(("keras", "torch")),
    files=Files((".keras",), _keep_file, _is_tensorflow),
    objects=Objects(_holds, _keep_object),
    scores=network_scores,
)
