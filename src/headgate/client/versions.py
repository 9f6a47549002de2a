"""Versions: immutable registered bundles with an approval state."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from headgate.bundle.bundle import Bundle, open_bundle
from headgate.client.connection import CHUNK, Connection, Progress
from headgate.client.document import Document
from headgate.client.names import version_path
from headgate.errors import NotFound

BUNDLE_TYPE = "application/vnd.headgate.bundle"


class Versions:
    """`client.versions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register(
        self,
        bundle: Bundle | str | Path,
        *,
        alias: str | None = None,
        project: str | None = None,
        progress: Progress | None = None,
    ) -> Document:
        """Send a bundle (folder, `.hgb` file or what `package` gave); the same bundle twice is the same version."""
        folder = Path(bundle) if isinstance(bundle, str | Path) else bundle.folder
        if not folder.exists():
            raise NotFound(f"Expected a bundle at {folder}, found nothing. Make one with `headgate package`.")
        with TemporaryDirectory(prefix="headgate-") as draft:
            archive = folder if folder.is_file() else _packed(folder, Path(draft))
            content = _Pieces(archive, progress)
            version: Document = self._connection.upload("/versions", content, BUNDLE_TYPE, alias=alias, project=project)
        return version

    def show(self, version: str) -> Document:
        """The version with its manifest; raises `NotFound`."""
        found: Document = self._connection.get(version_path(self._connection, version))
        return found

    def card(self, version: str) -> str:
        """The model card, Markdown."""
        return self._connection.text(f"{version_path(self._connection, version)}/card")

    def approve(self, version: str, reason: str) -> Document:
        """Let the version take production traffic."""
        return self._decide(version, "approve", reason)

    def reject(self, version: str, reason: str) -> Document:
        return self._decide(version, "reject", reason)

    def retire(self, version: str, reason: str) -> Document:
        return self._decide(version, "retire", reason)

    def _decide(self, version: str, verb: str, reason: str) -> Document:
        path = f"{version_path(self._connection, version)}/{verb}"
        decided: Document = self._connection.change("POST", path, {"reason": reason})
        return decided


class _Pieces:
    """A file's bytes in pieces, from the start on every call, so that a broken upload can be sent again."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._path = path
        self._progress = progress

    def __call__(self) -> Iterator[bytes]:
        total = self._path.stat().st_size
        done = 0
        with self._path.open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece
                done += len(piece)
                if self._progress:
                    self._progress(done, total)


def _packed(folder: Path, draft: Path) -> Path:
    return open_bundle(folder).pack(draft / "bundle.hgb")
