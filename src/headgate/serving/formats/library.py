"""What a format imports to write answers: by a thread and once it is needed, since it takes long and much memory."""

import importlib
from collections.abc import Sequence

from headgate.errors import UnsupportedType


class Library:
    """The modules of one format."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = tuple(modules)
        # whoever imports a module that a thread is still importing waits for that thread
        self.is_ready = False

    def load(self) -> None:
        """Import them; raises `UnsupportedType` when they cannot be."""
        try:
            for name in self._modules:
                importlib.import_module(name)
        except Exception as error:
            raise UnsupportedType(
                f"Answers in this format need {', '.join(self._modules)} on the server, which cannot be imported: "
                f"{error}. Ask for application/json."
            ) from error
        self.is_ready = True
