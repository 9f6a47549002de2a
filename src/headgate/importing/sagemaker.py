"""SageMaker's `model.tar.gz`, or the folder it unpacks to: one model file, and perhaps `code/` for its container.

Source: the SageMaker inference toolkit and the scikit-learn, XGBoost and PyTorch serving containers.
"""

from pathlib import Path

from headgate.errors import Conflict, NotFound
from headgate.importing.folder import is_archive, require_folder, unpack_tar, with_suffix
from headgate.importing.found import Found, Note

SUFFIXES = (".onnx", ".ubj", ".joblib", ".pkl", ".pickle", ".cbm", ".pt2", ".keras", ".skops", ".json", ".txt", ".py")
# what lies beside models under names that end like theirs
BESIDE = frozenset({"requirements.txt", "input_example.json", "serving_input_example.json"})
# what the XGBoost container calls its file, which may be in any of its formats
XGBOOST = "xgboost-model"
FIRST_BYTES = 64
CODE = "code"
PICKLED = b"\x80"  # how a pickle begins


def find(location: Path, scratch: Path) -> Found:
    """The one model file of an archive or folder.

    Raises `NotFound` when there is none, `Conflict` naming all when there are several, `BadArchive` or `TooLarge`.
    """
    unpacked = unpack_tar(location, scratch / "archive") if is_archive(location) else location
    folder = require_folder(unpacked, "a model.tar.gz, or the folder it unpacks to,")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    outside = [path for path in files if CODE not in path.relative_to(folder).parts]
    models = [path for path in outside if _may_be_model(path)]
    if not models:
        raise NotFound(f"There is no model file in {location}; expected one of {', '.join(SUFFIXES)} or {XGBOOST}.")
    if len(models) > 1:
        names = ", ".join(path.relative_to(folder).as_posix() for path in models)
        raise Conflict(f"{location} holds several model files: {names}. Import the one that is meant by `package`.")
    chosen = models[0]
    return Found(
        model=with_suffix(chosen, _suffix(chosen), scratch),
        taken=(Note("model file", chosen.relative_to(folder).as_posix()),),
        left=tuple(_left(folder, files, chosen)),
    )


def _may_be_model(path: Path) -> bool:
    return path.name == XGBOOST or (path.suffix.lower() in SUFFIXES and path.name not in BESIDE)


def as_model_data(place: Path, packed: bool) -> Path:
    """One fetched file or folder as `find` takes it: an archive under a name that says so, another file's folder."""
    if place.is_dir() or is_archive(place):
        return place
    return place.rename(place.with_name("model.tar.gz")) if packed else place.parent


def _suffix(path: Path) -> str:
    """XGBoost's container tells the formats apart by their first bytes; so do we."""
    if path.name != XGBOOST:
        return path.suffix
    with path.open("rb") as file:
        begin = file.read(FIRST_BYTES)
    return ".pkl" if begin[:1] == PICKLED else ".json" if begin.lstrip()[:2] == b'{"' else ".ubj"


def _left(folder: Path, files: list[Path], chosen: Path) -> list[Note]:
    return [
        Note(path.relative_to(folder).as_posix(), _why(path.relative_to(folder).parts))
        for path in files
        if path != chosen
    ]


def _why(parts: tuple[str, ...]) -> str:
    if parts[0] != CODE:
        return "not a model file; nothing here reads it"
    if parts[-1] == "requirements.txt":
        return "the environment is locked anew from what is installed here"
    return (
        "model_fn, input_fn, predict_fn and output_fn of a container: put what they do into a .py that defines `model`"
    )
