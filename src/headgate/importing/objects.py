"""Models that lie in object storage, at `s3://bucket/models/fraud` or its like: fetched below a folder of this machine.

Names and sizes are held to what holds for archives; `what` chooses among the files when not all of them are needed.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.errors import Conflict, Malformed, NotFound, TooLarge
from headgate.home import needing_room
from headgate.importing.folder import BYTES, MEMBERS
from headgate.names import shown
from headgate.storage.objects import Object, Objects

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider

Choice = Callable[[Collection[str]], Collection[str]]


@dataclass(frozen=True)
class Fetching:
    """How a URL is asked: who asks, where, and for which of the files."""

    region: str = ""
    identity: "S3CredentialProvider | None" = None
    # names below the URL → those that are needed; of the others only their folders are made
    choose: Choice = lambda names: names
    # what the object must still be, where that is known
    tag: str = ""


WHOLE = Fetching()


def fetch(url: str, folder: Path, how: Fetching = WHOLE) -> Path:
    """The object at the URL as a file in the folder, or all objects below it as a folder in it, under its own name.

    Raises `NotFound` where nothing is there, `Malformed` for names that are no places in a folder, `TooLarge`,
    `Conflict` where it has changed, and what `Objects` raises.
    """
    objects = Objects(url, region=how.region, identity=how.identity)
    target = folder / (_name(objects.key) or "model")
    if one := objects.one():
        _require_unchanged(one, how.tag, url)
        _download(objects, {target: one})
        return target
    folders, files = _listed(objects)
    for name in folders:
        (target / name).mkdir(parents=True, exist_ok=True)
    _download(objects, {target / name: files[name] for name in how.choose(files)})
    return target


def _listed(objects: Objects) -> tuple[set[str], dict[str, Object]]:
    """Names below the URL: of folders, and of files. Consoles of S3 mark folders by objects of no bytes."""
    found: dict[str, Object] = {}
    for thing in objects.below():
        if len(found) >= MEMBERS:
            raise TooLarge(f"{objects.url} holds over {MEMBERS} objects: give the URL of one model.")
        name = thing.key.removeprefix(objects.key).removeprefix("/")
        if name:
            found[_require_place(objects.url, name)] = thing
    folders = {parent.as_posix() for name in found for parent in Path(name).parents}
    files = {name: thing for name, thing in found.items() if name not in folders or thing.size}
    if not files:
        raise NotFound(f"There is nothing at {objects.url}: expected an object of that name, or objects below it.")
    return folders, files


def _require_place(url: str, name: str) -> str:
    if {"", ".", ".."} & set(name.split("/")) or "\0" in name:
        raise Malformed(f"{url} holds {shown(name)}, which is not a place inside of a folder.")
    return name


def _download(objects: Objects, wanted: dict[Path, Object]) -> None:
    room = BYTES
    if sum(thing.size for thing in wanted.values()) > room:
        raise TooLarge(f"{objects.url} holds over {BYTES} bytes: give the URL of one model.")
    for path, thing in wanted.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with needing_room("the model", path.parent), path.open("xb") as file:
                for chunk in objects.read(thing):
                    room -= len(chunk)
                    if room < 0:
                        raise TooLarge(f"{objects.url} holds over {BYTES} bytes, at {shown(thing.key)}.")
                    file.write(chunk)
        except (OSError, ValueError) as error:
            raise Malformed(f"{shown(thing.key)} of {objects.url} cannot be a file here: {error}.") from error


def _require_unchanged(one: Object, tag: str, url: str) -> None:
    if tag and tag.strip('"') != one.tag.strip('"'):
        raise Conflict(
            f"{url} is not what was registered: expected the object {shown(tag)}, got {shown(one.tag)}. If it is meant "
            "as it is now, import it by this URL."
        )


def _name(key: str) -> str:
    name = key.rpartition("/")[2]
    if name in (".", "..") or "\0" in name:
        raise Malformed(f"Expected the URL of a model, got one that ends in {shown(name)}.")
    return name
