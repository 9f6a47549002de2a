"""What vouches for the ledger from outside of the database: the key that signs events, and the newest signed head.

Whoever can write to the database alone can recompute hashes, but neither sign them nor turn the anchor back.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from headgate.errors import Corrupt
from headgate.home import write_atomically
from headgate.records import PlaneRecord

KEY, ANCHOR = "ledger.key", "ledger.anchor"
NO_HASH = "0" * 64


class Anchored(PlaneRecord, frozen=True, kw_only=True):
    """The ledger's head as it was after a commit."""

    number: int
    hash: str
    signature: str

    @property
    def message(self) -> bytes:
        return f"headgate ledger anchor {self.number} {self.hash}".encode()


_anchors = msgspec.json.Decoder(Anchored)


class Anchor:
    """Key and anchor file of one ledger."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey) -> None:
        self._folder = folder
        self._key = key
        self._public = key.public_key()

    def sign(self, event_hash: str) -> str:
        """The signature over an event's hash, in hex."""
        return self._key.sign(_event_message(event_hash)).hex()

    def vouches(self, event_hash: str, signature: str) -> bool:
        """Whether this key has signed that hash."""
        return self._verifies(_event_message(event_hash), signature)

    def write(self, number: int, event_hash: str) -> None:
        """Anchor the head unless a newer one is anchored: commits may arrive here out of order."""
        with self._locked():
            current = self.read()
            if current is None or current.number < number:
                self._store(number, event_hash)

    def turn_back(self, number: int, event_hash: str) -> None:
        """Anchor an older head: only for a database that was restored on purpose."""
        with self._locked():
            self._store(number, event_hash)

    def read(self) -> Anchored | None:
        """The anchored head, None when there is no file. Raises `Corrupt` when it is not what this key signed."""
        path = self._folder / ANCHOR
        try:
            anchored = _anchors.decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise Corrupt(f"{path} is not an anchor: {error}. Put it back from a backup.") from error
        if not self._verifies(anchored.message, anchored.signature):
            raise Corrupt(f"{path} is not signed by {self._folder / KEY}. Put both back from one backup.")
        return anchored

    def _store(self, number: int, event_hash: str) -> None:
        draft = Anchored(number=number, hash=event_hash, signature="")
        anchored = msgspec.structs.replace(draft, signature=self._key.sign(draft.message).hex())
        write_atomically(self._folder / ANCHOR, msgspec.json.encode(anchored))

    def _verifies(self, message: bytes, signature: str) -> bool:
        try:
            self._public.verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _event_message(event_hash: str) -> bytes:
    return f"headgate ledger event {event_hash}".encode()


def open_anchor(folder: Path, *, fresh: bool) -> Anchor:
    """The anchor in this folder (`home.keys`), made when the ledger is fresh.

    Raises `Corrupt` when a ledger that has events lost its key: a new key could not vouch for them.
    """
    path = folder / KEY
    if not path.exists():
        if not fresh:
            raise Corrupt(f"{path} is missing, but the ledger has events that it signed. Put it back from a backup.")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomically(path, content)
    anchor = Anchor(folder, _load_key(path))
    if fresh and anchor.read() is None:
        anchor.write(0, NO_HASH)
    return anchor


def _load_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise Corrupt(f"{path} is not a private key in PEM. Put it back from a backup.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Corrupt(f"{path} holds a key of another kind: expected ed25519. Put it back from a backup.")
    return key
