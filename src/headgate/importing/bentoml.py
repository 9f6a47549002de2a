"""Models of a BentoML store, `~/bentoml/models/NAME/TAG`, and Bentos with one model inside.

Source: BentoML's model store (`model.yaml` of schema v1, `saved_model.*` by framework).
"""

from pathlib import Path
from typing import Any

from headgate.errors import Conflict, NotFound, UnsupportedType
from headgate.importing.folder import inside, is_archive, read_text, read_yaml, require_folder, unpack_tar
from headgate.importing.found import Found, Note
from headgate.names import shown

MODEL, BENTO, LATEST = "model.yaml", "bento.yaml", "latest"
EXPORTED = (".bentomodel", ".bento")  # archives under names of BentoML's own
# files that the store may hold; the first that is there is taken
FILES = (
    "saved_model.pkl", "saved_model.onnx", "saved_model.ubj", "saved_model.json", "saved_model.txt",
    "saved_model.cbm", "saved_model.keras", "saved_model.pt2",
)  # fmt: skip
NEXT_STEP = "Load it with BentoML, and package the object, or a .py file that defines `model`"


def find(location: Path, scratch: Path) -> Found:
    """The model of a store's folder, of a Bento that holds one, or of what `bentoml export` wrote.

    Raises `NotFound`, `Conflict` for a Bento with several models, `UnsupportedType` with the next step.
    """
    packed = location.is_file() and (is_archive(location) or location.suffix in EXPORTED)
    folder = unpack_tar(location, scratch / "archive") if packed else location
    place = _model_folder(require_folder(folder, "a model's folder of a BentoML store"))
    described = read_yaml(inside(place, MODEL))
    file = _file(place, described)
    return Found(
        model=file,
        name=str(described.get("name") or ""),
        lineage=_lineage(described),
        taken=(Note(file.name, "the model"), Note("creation_time", "lineage.trained_at")),
        left=tuple(_left(described, folder, place)),
    )


def _model_folder(folder: Path) -> Path:
    if (folder / LATEST).is_file():
        folder = inside(folder, read_text(inside(folder, LATEST)).strip())
    if (folder / MODEL).is_file():
        return folder
    found = sorted(path.parent for path in folder.glob("**/" + MODEL) if not path.is_symlink())
    if not found:
        raise NotFound(f"There is no file {MODEL} in {folder}: `bentoml models list` shows where models are.")
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in found)
        raise Conflict(f"{folder} holds several models: {names}. Import each of them by its own folder.")
    return found[0]


def _file(place: Path, described: dict[str, Any]) -> Path:
    for name in FILES:
        if (place / name).exists():
            return inside(place, name)
    raise UnsupportedType(
        f"{place} was saved by {shown(str(described.get('module') or 'an unknown module'))}, as none of "
        f"{', '.join(FILES)}. {NEXT_STEP}."
    )


def _lineage(described: dict[str, Any]) -> dict[str, str]:
    tag = f"bentoml:{described.get('name')}:{described.get('version')}"
    return {"parent_run": tag, "trained_at": str(described.get("creation_time") or "")}


def _left(described: dict[str, Any], folder: Path, place: Path) -> list[Note]:
    notes = [
        Note(name, why)
        for name, why in (
            ("signatures", "a model here is asked by predict, in batches where that pays"),
            ("labels", "tags are given to a version: `headgate model` commands"),
            ("metadata", "tags are given to a version: `headgate model` commands"),
            ("options", "written for BentoML's own loader"),
            ("context", "the environment is locked anew from what is installed here"),
        )
        if described.get(name)
    ]
    if (place / "custom_objects.pkl").exists():
        notes.append(Note("custom_objects.pkl", "objects beside the model: package a .py that defines `model`"))
    if (folder / BENTO).is_file():
        notes.append(
            Note("the service's code", "what it does around the model belongs into a .py that defines `model`")
        )
    return notes
