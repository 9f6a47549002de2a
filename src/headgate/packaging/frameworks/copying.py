"""A given file's bytes are kept, under the one name that a model's file has in a bundle."""

import shutil
from pathlib import Path


def copied(path: Path, folder: Path, suffix: str | None = None) -> Path:
    """The file as `model` with its suffix, or another, in the folder."""
    kept = folder / f"model{suffix or path.suffix.lower()}"
    shutil.copyfile(path, kept)
    return kept
