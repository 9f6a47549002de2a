"""MLflow model folders: the file `MLmodel` says what is there; MLflow itself is not needed.

Source: the MLflow Model format as MLflow 3 writes it (`mlflow.models.Model`, `mlflow.types.Schema`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headgate.errors import Malformed, NotFound, UnsupportedType
from headgate.importing.folder import inside, read_text, read_yaml, require_folder, with_suffix
from headgate.importing.found import Found, Note
from headgate.names import shown

MLMODEL = "MLmodel"
# flavour → the key that names its file or folder; the first that is there is taken
FLAVOURS = {
    "onnx": "data",
    "sklearn": "pickled_model",
    "xgboost": "data",
    "lightgbm": "data",
    "catboost": "data",
    "pytorch": "model_data",
    "keras": "data",
    "tensorflow": "saved_model_dir",
    "transformers": "model_binary",
}
# how MLflow's file names are called here
SUFFIXES = {".lgb": ".txt", ".cb": ".cbm", ".xgb": ".ubj"}
TYPES = {
    "double": float, "float": float, "long": int, "integer": int, "boolean": bool, "string": str,
}  # fmt: skip
LEFT_FILES = {
    "conda.yaml": "the environment is locked anew from what is installed here",
    "requirements.txt": "the environment is locked anew from what is installed here",
    "python_env.yaml": "the environment is locked anew from what is installed here",
}


def find(location: Path, scratch: Path) -> Found:
    """The model of an MLflow model folder.

    Raises `NotFound` where there is no `MLmodel`, `Malformed` for one that cannot be read, `UnsupportedType` for
    flavours that run code of their own, with the next step.
    """
    folder = require_folder(location, "an MLflow model folder")
    if not (folder / MLMODEL).is_file():
        raise NotFound(f"There is no file {MLMODEL} in {folder}: give the folder that holds it, often named `model`.")
    described = read_yaml(inside(folder, MLMODEL))
    flavour, file = _model(folder, described)
    example, note = _example(folder, described)
    return Found(
        model=with_suffix(file, SUFFIXES.get(file.suffix, file.suffix), scratch),
        name=str(described.get("artifact_path") or ""),
        example=example,
        lineage=_lineage(described),
        taken=(Note(f"flavour {flavour}", file.relative_to(folder).as_posix()), *_taken(described, note)),
        left=tuple(_left(folder, described, flavour, example)),
    )


def _model(folder: Path, described: Mapping[str, Any]) -> tuple[str, Path]:
    flavours = described.get("flavors")
    if not isinstance(flavours, dict) or not flavours:
        raise Malformed(f"Expected flavours in {folder / MLMODEL}, got none.")
    for name, key in FLAVOURS.items():
        fields = flavours.get(name)
        if isinstance(fields, dict) and fields.get(key):
            return name, inside(folder, fields[key])
    raise UnsupportedType(
        f"{folder} has the flavours {', '.join(map(shown, map(str, flavours)))}; taken over are {', '.join(FLAVOURS)}. "
        "Load the model with MLflow, and package the object it wraps, or a .py file that defines `model`."
    )


def _lineage(described: Mapping[str, Any]) -> dict[str, str]:
    run, made = described.get("run_id"), described.get("utc_time_created")
    lineage = {"parent_run": f"mlflow:{run}" if run else "", "trained_at": str(made) if made else ""}
    return {name: value for name, value in lineage.items() if value}


def _taken(described: Mapping[str, Any], example: Note | None) -> list[Note]:
    notes = [Note(name, f"lineage.{field}") for name, field in
             (("run_id", "parent_run"), ("utc_time_created", "trained_at")) if described.get(name)]  # fmt: skip
    return [*notes, example] if example else notes


def _left(folder: Path, described: Mapping[str, Any], flavour: str, example: object) -> list[Note]:
    notes = [
        Note(f"flavour {name}", "one model is packaged" if name != "python_function" else "MLflow's own wrapper")
        for name in described["flavors"]
        if name != flavour
    ]
    notes += [Note(name, why) for name, why in LEFT_FILES.items() if (folder / name).exists()]
    fields = described["flavors"][flavour]
    if fields.get("code"):
        notes.append(
            Note(f"code in {fields['code']}", "a model file loads without it; package a .py file if it is needed")
        )
    signature = described.get("signature")
    if isinstance(signature, dict):
        if signature.get("params"):
            notes.append(Note("signature.params", "a prediction here has no parameters beside its rows"))
        if not example and signature.get("inputs"):
            notes.append(Note("signature.inputs", "what the model takes is asked of the model, or of --data"))
    return notes


def _example(folder: Path, described: Mapping[str, Any]) -> tuple[dict[str, list[object]] | None, Note | None]:
    """The input example that was saved with the model, typed as its signature says."""
    about = described.get("saved_input_example_info")
    if not isinstance(about, dict) or about.get("type") != "dataframe" or about.get("pandas_orient") != "split":
        return None, None
    path = inside(folder, about.get("artifact_path"))
    try:
        content = json.loads(read_text(path))
        columns, rows = list(map(str, content["columns"])), content["data"]
        types = _types(described)
        values = {
            name: [_typed(row[place], types.get(name)) for row in rows] for place, name in enumerate(columns)
        }  # fmt: skip
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise Malformed(f"The input example in {path} is no table of columns and data: {error!r}.") from error
    if not values or not rows:
        return None, None
    return values, Note(about["artifact_path"], f"{len(rows)} rows that show the columns")


def _types(described: Mapping[str, Any]) -> dict[str, type]:
    signature = described.get("signature")
    inputs = json.loads(signature["inputs"]) if isinstance(signature, dict) and signature.get("inputs") else []
    return {
        str(column["name"]): TYPES[column["type"]]
        for column in inputs
        if column.get("type") in TYPES and "name" in column
    }


def _typed(value: object, kind: type | None) -> object:
    return value if value is None or kind is None else kind(value)
