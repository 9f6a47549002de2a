"""What makes a restored instance a new beginning: a higher epoch, and an event that says so."""

import json
from typing import BinaryIO

from headgate.errors import Corrupt
from headgate.home import Home, write_atomically
from headgate.ledger.anchor import Anchor
from headgate.ledger.chain import ChainReport, verify_ledger
from headgate.ledger.events import Event, append, open_ledger, read_head
from headgate.records import Record
from headgate.storage.backup import BackupInfo
from headgate.storage.database import Database
from headgate.storage.instance import ID, raise_epoch, read_epoch, read_value
from headgate.storage.restoring import Places, restore


class Restored(Record, frozen=True, kw_only=True):
    """What a restore has made."""

    backup: BackupInfo
    epoch: int
    chain: ChainReport  # of the restored history, checked before the restore was written into it


def restore_instance(
    source: BinaryIO, home: Home, *, actor: str, reason: str = "", database: str = "", artifacts: str = ""
) -> Restored:
    """Make the instance of a backup in a new home, with database and artifacts at these URLs where given.

    Raises as `headgate.storage.restoring.restore` does.

    A history that was unsound when it was backed up is restored as it is, and reported in `chain`.
    """
    outcome: list[tuple[int, ChainReport]] = []

    def finish(database: Database, staged: Home) -> None:
        open_ledger(database, staged.keys)
        chain = verify_ledger(database)
        outcome.append((begin_anew(database, actor=actor, reason=reason), chain))
        forget_address(staged)

    info = restore(source, home, finish, Places(database=database, artifacts=artifacts))
    epoch, chain = outcome[0]
    return Restored(backup=info, epoch=epoch, chain=chain)


def forget_address(home: Home) -> None:
    """Where the original answers, its copy does not: until it has started itself, it names no address."""
    if home.credentials.exists():
        known = json.loads(home.credentials.read_bytes())
        write_atomically(home.credentials, json.dumps(known | {"url": "", "certificate": ""}).encode())


def begin_anew(database: Database, *, actor: str, reason: str = "") -> int:
    """Raise the epoch of a database that was put back to an earlier state (also by pg_restore); returns the epoch.

    The ledger must be open. An anchor that is ahead of the restored history is turned back to it.
    """
    with database.write() as tx:
        anchor = database.attached["anchor"]
        assert isinstance(anchor, Anchor)
        head, anchored = read_head(tx, lock=True), _anchored_number(anchor)
        before = {"epoch": read_epoch(tx), "anchored": anchored}
        epoch = raise_epoch(tx)
        append(
            tx,
            Event(
                actor=actor,
                verb="instance.restore",
                object=f"instance:{read_value(tx, ID)}",
                reason=reason,
                before=before,
                after={"epoch": epoch, "events": head[0]},
            ),
        )
        if anchored is None or anchored > head[0]:
            anchor.turn_back(*head)
    return epoch


def _anchored_number(anchor: Anchor) -> int | None:
    try:
        anchored = anchor.read()
    except Corrupt:
        return None
    return None if anchored is None else anchored.number
