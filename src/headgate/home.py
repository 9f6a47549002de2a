"""Where things lie on disk: one record of paths below HEADGATE_HOME, and the one way to write a file."""

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headgate.errors import Malformed, Unavailable

HOME_NAME = ".headgate"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Home:
    """The instance's folder. Directories are 0700, files 0600."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "headgate.db"

    @property
    def artifacts(self) -> Path:
        """Content-addressed store of the control plane."""
        return self.path / "artifacts"

    @property
    def cache(self) -> Path:
        """Unpacked bundles of the node, by manifest digest."""
        return self.path / "cache"

    @property
    def spool(self) -> Path:
        """Record segments, one folder per worker process."""
        return self.path / "spool"

    @property
    def routes(self) -> Path:
        """Route tables of the node: `{endpoint}.json`."""
        return self.path / "tables" / "routes"

    @property
    def access(self) -> Path:
        """The node's access table."""
        return self.path / "tables" / "access.json"

    @property
    def previous(self) -> Path:
        """Endpoint → the bundles that its table before the newest one needed."""
        return self.path / "tables" / "previous.json"

    @property
    def run(self) -> Path:
        """Pids, sockets and shared memory of living processes."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def credentials(self) -> Path:
        """JSON {"url", "key", "node_key"}: how this machine's CLI and agent reach the control plane."""
        return self.path / "credentials"

    @property
    def keys(self) -> Path:
        """Private keys and the ledger's anchor: outside of the database."""
        return self.path / "keys"

    def create(self) -> "Home":
        """Make the folder and what is always in it; harmless when it exists."""
        folders = (self.artifacts, self.cache, self.spool, self.routes, self.run, self.logs, self.keys)
        for folder in (self.path, self.path / "tables", *folders):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            write_atomically(ignore, b"*\n")
        return self


def find_home(start: Path, given: str | None = None) -> Home:
    """The given folder, or the nearest `.headgate` from `start` upwards, or else `start/.headgate`."""
    if given:
        return Home(Path(given).absolute())
    for folder in (start, *start.parents):
        if (folder / HOME_NAME).is_dir():
            return Home(folder / HOME_NAME)
    return Home(start / HOME_NAME)


def awaited_path(home: Home) -> Path:
    """A file that is there while this node has not had the first tables of its control plane."""
    return home.path / "tables" / "awaited"


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Readers see the old bytes or the new, never a part; the new ones survive a crash (fsync of file and folder)."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def needing_room(what: str, folder: Path) -> Iterator[None]:
    """Raises `Unavailable`, with what to do, where the disk has no room for what is written."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Unavailable(f"There is no room for {what} in {folder}. Make room, try again.") from error
        raise


@contextmanager
def writing(goal: Path, *drafts: str) -> Iterator[None]:
    """Raises with the name of what is to be written, not of a draft beside it or of what is copied into that.

    Files beside it whose names begin as `drafts` say are drafts of it.
    """
    try:
        yield
    except OSError as error:
        written = error.filename2 or error.filename
        if written is not None and not _is_part_of(Path(os.fsdecode(written)).absolute(), goal.absolute(), drafts):
            raise
        if error.errno in _NO_ROOM:
            raise Unavailable(f"There is no room for {goal}. Make room, or name another place.") from error
        raise Malformed(f"Expected to write {goal}, could not: {error.strerror}.") from error


def _is_part_of(path: Path, goal: Path, drafts: Sequence[str]) -> bool:
    """Whether the path is the goal, a folder that it is to lie in, or (in) a draft of it."""
    if path == goal or path in goal.parents:
        return True
    below = path.relative_to(goal.parent).parts[0] if path.is_relative_to(goal.parent) else ""
    return below.startswith((f".{goal.name}.", *drafts))


def unix_address(path: Path) -> str:
    """An address for a Unix socket at `path`, however deep: `sun_path` holds 107 bytes, so a long one goes by fd.

    The descriptor of the folder stays open for the life of the process; there is one per folder.
    """
    if len(os.fsencode(path)) <= 100:
        return str(path)
    folder = path.parent
    if folder not in _folders:
        _folders[folder] = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    return f"/proc/self/fd/{_folders[folder]}/{path.name}"


_folders: dict[Path, int] = {}
