"""Receiving a bundle: streamed to disk under a limit and a deadline, unpacked strictly, trusted or refused."""

import asyncio
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from anyio import from_thread
from fastapi import Request

from headgate.bundle.archive import Limits
from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.signing import require_trust
from headgate.errors import HeadgateError, Malformed, ReceiptTimeout, TooLarge, Unavailable
from headgate.home import Home, needing_room
from headgate.registry.claims import claim_for_upload, give_up, use_up
from headgate.registry.signers import trusted_keys
from headgate.storage.database import Tx
from headgate.storage.stores import StoredArtifact
from headgate.web.api.plane import ControlPlane

log = logging.getLogger(__name__)

STAGING = "upload-"


@contextmanager
def received_bundle(plane: ControlPlane, request: Request) -> Iterator[tuple[Bundle, Path, str]]:
    """The bundle in a request's body, its archive, and who signed it ("" for nobody); all removed afterwards.

    Raises `TooLarge`, `ReceiptTimeout`, `BadArchive`, `Malformed`, `Corrupt`, `Unavailable` when too many come at
    once or the disk is full, and `Untrusted` for a bundle that runs code and is not signed by a key that this instance
    trusts.
    """
    if not plane.uploads.acquire(blocking=False):
        raise Unavailable("Too many bundles are being received. Send it again.", retry_after=1.0)
    with ExitStack() as held:
        held.callback(plane.uploads.release)
        with needing_room("the bundle", plane.home.run):
            staging = TemporaryDirectory(prefix=STAGING, dir=plane.home.run, ignore_cleanup_errors=True)
            folder = Path(held.enter_context(staging))
            archive = folder / "bundle.hgb"
            with archive.open("xb") as file:
                receive(request, file, plane.settings.max_bundle_bytes, plane.settings.receive_seconds)
            limits = Limits(bytes=plane.settings.max_bundle_bytes)
            bundle = open_bundle(archive, folder / "bundle", limits)
        with plane.database.read() as tx:
            trusted = trusted_keys(tx)
        yield bundle, archive, require_trust(bundle, trusted)


@contextmanager
def stored_artifact(plane: ControlPlane, archive: Path) -> Iterator[tuple[StoredArtifact, Callable[[Tx], None]]]:
    """The archive in the store, and what the transaction that registers it has to call: until then it is claimed.

    Raises `Unavailable` while the very same bytes are being removed.
    """
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        with plane.database.write() as tx:
            holder = claim_for_upload(tx, digest)
        try:
            content.seek(0)
            yield plane.store.put(content), lambda tx: use_up(tx, digest, holder)
        finally:
            _give_up(plane, digest, holder)


def _give_up(plane: ControlPlane, digest: str, holder: str) -> None:
    try:
        with plane.database.write() as tx:
            give_up(tx, digest, holder)
    except HeadgateError as error:
        # it ends by itself; what went wrong before is what the caller must hear
        log.warning("the claim on artifact %s could not be given up: %s", digest, error.message)


def receive(request: Request, target: BinaryIO, limit: int, patience: float) -> None:
    """Write the body to `target`; for a route that runs in a thread.

    Raises `TooLarge` past `limit` bytes, `ReceiptTimeout` when nothing comes for `patience` seconds, `Malformed` when
    the sender goes away.
    """
    left = limit
    while True:
        try:
            message = from_thread.run(partial(asyncio.wait_for, request.receive(), patience))
        except TimeoutError as error:
            raise ReceiptTimeout(f"Nothing of the body came for {patience:g} s. Send it again.") from error
        if message["type"] == "http.disconnect":
            raise Malformed("The body ended early.")
        body = message.get("body", b"")
        left -= len(body)
        if left < 0:
            raise TooLarge(f"The bundle is over {limit} bytes: see the setting max_bundle_bytes.")
        target.write(body)
        if not message.get("more_body", False):
            return


def sweep(home: Home) -> None:
    """Remove what a killed process left of uploads."""
    for left in home.run.glob(f"{STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
