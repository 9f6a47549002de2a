"""A bundle as one file: a tar that is written one way only, and read only if it was written that way.

Every header must be, byte for byte, the one that we write for that name and size. Links, devices, sparse files, foreign
owners and extension records therefore need no rules of their own: they are not what we write.
"""

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from headgate.errors import BadArchive, Conflict, Malformed, TooLarge

BLOCK = 512
CHUNK = 1 << 20
END = bytes(2 * BLOCK)
COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=@-]{0,99}", re.ASCII)
KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a character device", b"4": "a block device",
    b"5": "a folder", b"6": "a fifo", b"S": "a sparse file", b"x": "an extended header", b"g": "a global header",
    b"L": "a long name", b"K": "a long link",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold at most."""

    members: int = 10_000
    bytes: int = 16 * 1024**3  # of all files together


DEFAULT_LIMITS = Limits()


def is_member_name(name: str) -> bool:
    """Whether a bundle may hold a file of that name: `/`-separated, no hidden or `..` part, 255 bytes long."""
    return all(COMPONENT.fullmatch(part) for part in name.split("/")) and _split(name) is not None


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of every file of an unpacked bundle, in the order of the archive.

    Raises `Malformed` for links, devices and names that a bundle cannot hold.
    """
    yield from sorted(_walk(folder, ""), key=lambda found: found[0].encode())


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in folder.iterdir():
        name = f"{prefix}{path.name}"
        if not is_member_name(name):
            raise Malformed(f"A bundle cannot hold a file named {name!r} (in {folder}): rename it.")
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(path, f"{name}/")
        elif stat.S_ISREG(mode):
            yield name, path
        else:
            raise Malformed(f"A bundle holds plain files only, got {stat.filemode(mode)} {path}: copy the file itself.")


def pack_folder(folder: Path, target: BinaryIO) -> None:
    """Write all files below the folder; the same files give the same bytes."""
    for name, path in files_below(folder):
        size = path.stat().st_size
        target.write(_header(name, size))
        with path.open("rb") as source:
            _copy(source, target, size, name)
        target.write(bytes(-size % BLOCK))
    target.write(END)


def unpack(
    source: BinaryIO,
    folder: Path,
    limits: Limits = DEFAULT_LIMITS,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Unpack to a staging folder beside, `check` it there, then rename it to `folder`, which must not exist.

    Raises `BadArchive`, `TooLarge`, `Conflict` (the folder is there) or what `check` raises; nothing is left then.
    """
    staging = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
    staging.mkdir(mode=0o700)
    try:
        _extract(source, staging, limits)
        if check:
            check(staging)
        _publish(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise Conflict(f"{folder} is there already: open it, or remove it first.") from error
        raise


def _extract(source: BinaryIO, staging: Path, limits: Limits) -> None:
    previous = ""
    seen: set[str] = set()
    room = limits.bytes
    while member := _next_member(source):
        name, size = member
        if name.encode() <= previous.encode() or name.lower() in seen:
            raise BadArchive(f"Member {name!r} comes twice, or out of order after {previous!r}.")
        if len(seen) == limits.members or size > room:
            raise TooLarge(f"The archive holds over {limits.members} files or {limits.bytes} bytes, at {name!r}.")
        previous, room = name, room - size
        seen.add(name.lower())
        _write_member(source, staging / name, size)
    if source.read(1):
        raise BadArchive("Bytes follow the end of the archive.")
    if not seen:
        raise BadArchive("The archive is empty.")


def _next_member(source: BinaryIO) -> tuple[str, int] | None:
    """Name and size of the next member, None at the end mark."""
    block = _read(source, BLOCK)
    if block == bytes(BLOCK):
        if _read(source, BLOCK) != bytes(BLOCK):
            raise BadArchive("The archive's end mark is damaged.")
        return None
    name, size = _parse(block)
    if block != _header(name, size):
        kind = KINDS.get(block[156:157])
        raise BadArchive(
            f"Member {name!r} is {kind}: a bundle holds plain files only."
            if kind
            else f"The header of member {name!r} is not one that Headgate writes: something else has packed this. "
            "Unpack it and use the folder instead, as in `headgate register FOLDER`."
        )
    return name, size


def _write_member(source: BinaryIO, path: Path, size: int) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadArchive(f"Member {path.name!r} is both a file and a folder.") from error
    with os.fdopen(descriptor, "wb") as target:
        _copy(source, target, size, path.name)
    if any(_read(source, -size % BLOCK)):
        raise BadArchive(f"The padding after member {path.name!r} is not empty.")


def _copy(source: BinaryIO, target: BinaryIO, size: int, name: str) -> None:
    left = size
    while left:
        chunk = source.read(min(left, CHUNK))
        if not chunk:
            raise BadArchive(f"{name!r} ends early: {left} of {size} bytes are missing.")
        target.write(chunk)
        left -= len(chunk)


def _read(source: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = source.read(size - len(data))
        if not chunk:
            raise BadArchive(f"The archive ends early: expected {size} more bytes, got {len(data)}.")
        data += chunk
    return data


def _parse(block: bytes) -> tuple[str, int]:
    try:
        name = _text(block[:100])
        prefix = _text(block[345:500])
        field = block[124:136]
        size = int.from_bytes(field[1:], "big") if field[0] == 0x80 else int(_text(field), 8)
    except ValueError as error:
        raise BadArchive("This is not a bundle archive: a header cannot be read.") from error
    full = f"{prefix}/{name}" if prefix else name
    if not is_member_name(full):
        raise BadArchive(f"Member name {full[:300]!r} is not allowed in a bundle.")
    return full, size


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii")


def _header(name: str, size: int) -> bytes:
    """The one ustar header for a file: owner 0, time 0, mode 0644."""
    fields = _split(name)
    if fields is None:
        raise Malformed(f"{name[:300]!r} is too long for a file name in a bundle.")
    octal = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    layout = (
        (fields[0], 100), (b"0000644\0", 8), (b"0000000\0", 8), (b"0000000\0", 8), (octal, 12), (b"00000000000\0", 12),
        (b"        ", 8), (b"0", 1), (b"", 100), (b"ustar\x0000", 8), (b"", 80),
        (fields[1], 155), (b"", 12),
    )  # fmt: skip
    block = b"".join(value.ljust(width, b"\0") for value, width in layout)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _split(name: str) -> tuple[bytes, bytes] | None:
    """Name and prefix fields of a header: the longest tail of whole parts that fits into 100 bytes."""
    encoded = name.encode("ascii")
    if len(encoded) <= 100:
        return encoded, b""
    cut = encoded.find(b"/", len(encoded) - 101)
    return (encoded[cut + 1 :], encoded[:cut]) if 0 < cut <= 155 else None
