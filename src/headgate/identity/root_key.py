"""The instance's root key: from it other secrets are derived, and it leaves the folder of the keys for nobody."""

import os
import secrets
from pathlib import Path

from headgate.derived_secrets import ROOT_BYTES, signing_subkey
from headgate.errors import Corrupt
from headgate.home import sync_folder, write_atomically

NAME = "root.key"


def read_signing_subkey(folder: Path) -> bytes:
    """The subkey of signed requests, of the root key in this folder (`home.keys`), which is made where there is none.

    Raises `Corrupt`.
    """
    path = folder / NAME
    if not path.exists():
        _create(path)
    root = path.read_bytes()
    if len(root) != ROOT_BYTES:
        raise Corrupt(f"{path} should hold {ROOT_BYTES} bytes, got {len(root)}. Put it back from a backup.")
    return signing_subkey(root)


def _create(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        write_atomically(draft, secrets.token_bytes(ROOT_BYTES))
        # unlike a rename, a link does not replace the key that another process has just made
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
