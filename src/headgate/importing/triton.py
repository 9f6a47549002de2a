"""A model of a Triton repository: `config.pbtxt` and numbered versions, each with one model file.

Source: Triton's model configuration (`model_config.proto`) and repository documentation.
"""

from collections.abc import Collection
from pathlib import Path

from headgate.errors import NotFound, UnsupportedType
from headgate.importing.folder import inside, read_text, require_folder, with_suffix
from headgate.importing.found import Found, Note
from headgate.importing.prototext import Message, first, read_message

CONFIG = "config.pbtxt"
# files that a version may hold; the first that is there is taken
FILES = (
    "model.onnx", "xgboost.json", "xgboost.ubj", "xgboost.model", "model.txt", "model.pt2", "model.pt",
    "model.savedmodel",
)  # fmt: skip
# how Triton's file names end here
SUFFIXES = {".model": ".ubj"}
NEXT_STEP = {
    "model.plan": "a TensorRT engine fits one GPU and one version: import the ONNX model it was built from",
    "model.py": "it is written for Triton's Python backend: put what `execute` does into a .py that defines `model`",
    "checkpoint.tl": "a Treelite checkpoint: import the XGBoost, LightGBM or scikit-learn model it was made from",
}
# fields of the configuration that say nothing which is not said otherwise here
SILENT = {"name", "backend", "platform", "default_model_filename", "input", "output", "parameters"}
BECOMES = {
    "dynamic_batching": "requests are batched where that pays, without a setting",
    "max_batch_size": "the endpoint's limits say how many rows a batch may have: `max_batch_rows` of its spec",
    "instance_group": "the number of workers and hosts is the node's: `headgate up --workers N`",
    "version_policy": "an endpoint names its version: `headgate deploy`",
    "model_warmup": "golden requests are asked before a version takes traffic",
    "optimization": "chosen by measuring when the model is packaged",
    "response_cache": "`response_cache` of the endpoint's spec, off unless it is set",
    "ensemble_scheduling": "several models behind one name: package them as one, in a .py that defines `model`",
    "sequence_batching": "requests here do not remember one another",
    "model_transaction_policy": "several answers to one request are not taken over",
}


def find(location: Path, scratch: Path) -> Found:
    """The highest version of a model in a Triton repository; `location` is the model's folder, or one of its versions.

    Raises `NotFound`, `Malformed` for a configuration that cannot be read, `UnsupportedType` with the next step.
    """
    given = require_folder(location, "a model's folder of a Triton repository")
    folder, version = (given.parent, given) if given.name.isdecimal() else (given, _latest(given))
    config = read_message(read_text(inside(folder, CONFIG))) if (folder / CONFIG).is_file() else {}
    file = _file(version, first(config, "default_model_filename"))
    others = [path.name for path in folder.iterdir() if path.name.isdecimal() and path != version]
    return Found(
        model=with_suffix(file, SUFFIXES.get(file.suffix, file.suffix), scratch),
        name=str(first(config, "name", folder.name)),
        lineage={"parent_run": f"triton:{first(config, 'name', folder.name)}:{version.name}"},
        taken=(Note(f"{version.name}/{file.name}", "the model"), *_taken(config)),
        left=(
            *_left(config),
            *(Note(f"version {name}", "one version is imported") for name in sorted(others, key=int)),
        ),
    )


def needed(names: Collection[str], version: str = "") -> list[str]:
    """Of the names of a model's files those of one version, the highest where none is named, and its configuration."""
    versions = [first for first, inside, _ in (name.partition("/") for name in names) if inside and first.isdecimal()]
    wanted = version or max(versions, key=int, default="")
    return [name for name in names if "/" not in name or name.partition("/")[0] == wanted]


def _latest(folder: Path) -> Path:
    versions = [path for path in folder.iterdir() if path.name.isdecimal() and path.is_dir()]
    if not versions:
        raise NotFound(f"There is no numbered version in {folder}: give a model's folder, not the whole repository.")
    return max(versions, key=lambda path: int(path.name))


def _file(version: Path, named: object) -> Path:
    if named:
        return inside(version, named)
    for name in FILES:
        if (version / name).exists():
            return inside(version, name)
    for name, next_step in NEXT_STEP.items():
        if (version / name).exists():
            raise UnsupportedType(f"{version / name} cannot be taken over: {next_step}.")
    raise NotFound(f"There is no model file in {version}; expected one of {', '.join(FILES)}.")


def _taken(config: Message) -> list[Note]:
    return [Note("name", "the model's name")] if config.get("name") else []


def _left(config: Message) -> list[Note]:
    notes = [
        Note(field, BECOMES.get(field, "nothing here answers to it")) for field in config if field not in SILENT
    ]  # fmt: skip
    keys = [str(first(entry, "key", "")) for entry in config.get("parameters", []) if isinstance(entry, dict)]
    notes += [Note(f"parameters.{key}", "read by Triton's backend alone") for key in keys]
    labels = [put for put in config.get("output", []) if isinstance(put, dict) and first(put, "label_filename")]
    return notes + [
        Note(f"labels of {first(put, 'name', '')}", "classes are those that the model answers") for put in labels
    ]
