"""Transformers: folders of them and of their adapters, which files, which base, which classes."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

from headgate.errors import Malformed, NotFound, Untrusted
from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.distributions import version_of
from headgate.packaging.frameworks.framework import Files, Framework, Kept, Needs, Trust
from headgate.records import Column, Task
from headgate.runtimes.transformers import CLASSIFICATION, GENERATION, read_config, task_of

BASE, ADAPTER = "model", "adapter"
CONFIG, ADAPTER_CONFIG = "config.json", "adapter_config.json"
# all that is read; nothing else of the folder goes into a bundle
FILES = re.compile(
    r"config\.json|generation_config\.json|tokenizer\.json|tokenizer_config\.json|adapter_config\.json|"
    r"[\w.-]+\.safetensors"
)
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
TEXT = Column(name="text", dtype="string")


def _is_transformer(path: Path) -> bool:
    """Whether the folder holds a transformer, or an adapter for one."""
    return path.is_dir() and any((path / name).is_file() for name in (CONFIG, ADAPTER_CONFIG))


def _keep(path: Path, folder: Path, _trust: Trust) -> Kept:
    """Put the files of a transformer, and of its adapter, into the folder.

    Raises `NotFound` for a base that is not here, `Untrusted` for weights or models that are code.
    """
    if not (path / ADAPTER_CONFIG).is_file():
        _copy(path, folder / BASE)
        return Kept(BASE)
    _copy(_base_of(path), folder / BASE)
    _copy(path, folder / ADAPTER)
    return Kept(BASE, options={"adapter": ADAPTER})


def _classes_of(folder: Path) -> tuple[str, ...]:
    """The labels of a classifier, in the order of its probabilities; none for another model."""
    config = read_config({CONFIG: (folder / BASE / CONFIG).read_bytes()})
    if task_of(config) != CLASSIFICATION:
        return ()
    named = config.get("id2label") or {str(place): f"LABEL_{place}" for place in range(2)}
    return tuple(str(named[key]) for key in sorted(named, key=int))


def _task_in(folder: Path) -> Task:
    """Headgate's word for what the model does."""
    told = task_of(read_config({CONFIG: (folder / BASE / CONFIG).read_bytes()}))
    words: dict[str, Task] = {CLASSIFICATION: "classification", GENERATION: "other"}
    return words.get(told, "transformation")


def _copy(source: Path, target: Path) -> None:
    target.mkdir()
    files = [path for path in sorted(source.iterdir()) if path.is_file() and FILES.fullmatch(path.name)]
    if not any(path.suffix == ".safetensors" for path in files):
        pickled = [path.name for path in source.iterdir() if path.suffix in PICKLED]
        if pickled:
            raise Untrusted(
                f"The weights in {source} are pickled ({pickled[0]}), which runs code when they are loaded: "
                f"save them again with model.save_pretrained(folder), which writes safetensors."
            )
        raise NotFound(f"There are no weights (.safetensors) in {source}: model.save_pretrained writes them.")
    for path in files:
        shutil.copyfile(path, target / path.name)
    if (target / CONFIG).is_file():
        # says so now if the model brings its own code
        read_config({path.name: path.read_bytes() for path in target.iterdir() if path.suffix == ".json"})


def _base_of(adapter: Path) -> Path:
    """The folder of the model that an adapter was trained on."""
    try:
        named = json.loads((adapter / ADAPTER_CONFIG).read_bytes()).get("base_model_name_or_path") or ""
    except (ValueError, AttributeError) as error:
        raise Malformed(f"{adapter / ADAPTER_CONFIG} is no adapter's configuration: {error}.") from error
    places = [Path(named), adapter / named, adapter.parent / named]
    found = next((place for place in places if named and (place / CONFIG).is_file()), None)
    if found is None:
        raise NotFound(
            f"{adapter} is an adapter for {named!r}, which is no folder here. Put the base model's folder beside "
            f"it, and its path into {ADAPTER_CONFIG} (base_model_name_or_path)."
        )
    return found


def _facts(_kept: Kept, folder: Path) -> Facts:
    return Facts((TEXT,), False, _task_in(folder), _classes_of(folder))


TRANSFORMERS = Framework(
    name="transformers",
    runtime="transformers",
    version=partial(version_of, "transformers"),
    facts=_facts,
    compiling="Transformers serve as they are.",
    needs=Needs(("transformers", "torch", "safetensors", "peft")),
    files=Files((), _keep, _is_transformer),
    # one row takes long
    sample=4,
)
