"""Weights that an ONNX file keeps in files beside it: read once, digest checked, and handed over in memory.

onnxruntime would open them by path itself, after they were hashed, and follow hard links and whatever else lies there.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest

NOWHERE = "/nonexistent"
FOLDER = "session.model_external_initializers_file_folder_path"


def weights_beside(content: bytes, folder: Path, manifest: Manifest, path: str) -> dict[str, bytes]:
    """The bundle's files that the model in these bytes names, by the name that it uses: relative to its own folder."""
    parent = PurePosixPath(path).parent
    beside = [PurePosixPath(name) for name in manifest.files if name != path]
    named = [name for name in beside if name.is_relative_to(parent)]
    return {
        str(name.relative_to(parent)): verified_bytes(folder, manifest, str(name))
        for name in named
        # a location is written into the file as it is
        if str(name.relative_to(parent)).encode() in content
    }


def hand_over(options: Any, weights: Mapping[str, bytes]) -> None:
    """Have a session take its weights from these bytes, and from nowhere else."""
    options.add_session_config_entry(FOLDER, NOWHERE)
    if weights:
        sizes = [len(data) for data in weights.values()]
        options.add_external_initializers_from_files_in_memory(list(weights), list(weights.values()), sizes)
