"""What the converter's process is asked, and what it answers."""

from pathlib import Path

import msgspec

from headgate.bundle.manifest import Form, Manifest
from headgate.records import Column


class Request(msgspec.Struct, frozen=True):
    """Convert one form of the draft in a folder to a graph in one of its framework's layouts."""

    manifest: Manifest
    form: str
    folder: str
    target: str
    layout: str
    outputs: tuple[str, ...]  # names for the first outputs

    @property
    def source(self) -> Form:
        """The form itself."""
        return self.manifest.forms[self.form]

    @property
    def path(self) -> Path:
        """Where the model is."""
        return Path(self.folder) / self.source.path

    @property
    def features(self) -> tuple[Column, ...]:
        """What the model takes."""
        return self.manifest.signature.features


class Answer(msgspec.Struct, frozen=True):
    """Converted, or why not."""

    refused: str = ""
