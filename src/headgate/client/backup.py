"""Backups: one file with everything that an instance knows."""

import os
import secrets
from pathlib import Path

from headgate.client.connection import Connection, Progress
from headgate.errors import Conflict
from headgate.home import sync_folder, writing


class Backups:
    """`client.backups`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, target: str | Path, *, overwrite: bool = False, progress: Progress | None = None) -> Path:
        """Write a consistent backup to `target` (0600: it holds keys), whole or not at all."""
        path = Path(target)
        if path.exists() and not overwrite:
            raise Conflict(f"{path} exists already. Choose another file, or overwrite it with --overwrite.")
        with writing(path):
            self._write(path, progress)
        return path

    def _write(self, path: Path, progress: Progress | None) -> None:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                self._connection.download("POST", "/backup", file, progress)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.absolute().parent)
