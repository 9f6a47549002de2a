"""Whether the history is the one that was written: contiguous, chained, signed, and not shorter than its anchor."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import Row, select

from headgate.errors import Corrupt
from headgate.ledger.anchor import NO_HASH, Anchor, Anchored
from headgate.ledger.canonical import digest_fields
from headgate.ledger.events import HASHED, anchor_of, read_head
from headgate.ledger.personal import check_texts, digests_in
from headgate.records import Record
from headgate.storage.database import Database, Tx
from headgate.storage.schema import events

Kind = Literal["altered", "removed", "inserted", "cut_off"]
_CHUNK = 500


class Fault(Record, frozen=True, kw_only=True):
    """The first place where the stored history is not the written one."""

    kind: Kind
    number: int
    message: str


class ChainReport(Record, frozen=True, kw_only=True):
    """The outcome of a verification."""

    ok: bool
    checked: int  # events found sound
    fault: Fault | None = None


def verify_ledger(database: Database) -> ChainReport:
    """Check the whole history of an opened ledger against its key and anchor."""
    with database.read() as tx:
        anchor = anchor_of(tx)
    try:
        # before the view is taken: a commit in between must not make the anchor newer than what is seen
        anchored = anchor.read()
    except Corrupt as error:
        return _report(0, "altered", 0, error.message)
    try:
        with database.read() as tx:
            return verify_chain(tx, anchor, anchored)
    except Corrupt as error:
        return _report(0, "removed", 0, error.message)


def verify_chain(tx: Tx, anchor: Anchor, anchored: Anchored | None) -> ChainReport:
    """Check the history as this transaction sees it against an anchor that was read before it began.

    The anchor may be behind: a process that dies between commit and anchoring leaves it one step back, and the rows
    after it vouch for themselves by their signatures.
    """
    if anchored is None:
        return _report(0, "removed", 0, "The anchor file is missing. Put it back from a backup.")
    head = read_head(tx)
    checked, previous = 0, NO_HASH
    for rows, following in _chunks(tx):
        fault = _fault_of_rows(anchor, anchored, [*rows, following], checked, previous) or _fault_of_texts(tx, rows)
        if fault:
            sound = [row.number for row in rows if row.number < fault.number]
            return ChainReport(ok=False, checked=sound[-1] if sound else checked, fault=fault)
        checked, previous = rows[-1].number, rows[-1].hash
    return _fault_of_tail(checked, previous, head, anchored) or ChainReport(ok=True, checked=checked)


def _fault_of_rows(
    anchor: Anchor, anchored: Anchored, rows: Sequence[Row[Any] | None], checked: int, previous: str
) -> Fault | None:
    """The first fault in rows that follow the `checked` ones, the last of which has the hash `previous`.

    The last of the rows is not looked at: it only shows what follows, None at the end.
    """
    for row, following in pairwise(rows):
        assert row is not None
        fault = _fault_at(anchor, checked + 1, previous, row, following)
        fault = _known_as_new(fault, anchor, anchored, row) or _fault_of_anchor(anchored, row)
        if fault:
            return fault
        checked, previous = row.number, row.hash
    return None


def _fault_of_texts(tx: Tx, rows: Sequence[Row[Any]]) -> Fault | None:
    unsound = check_texts(tx, (digest for row in rows for digest in _digests_of(row)))
    for row in rows:
        if unsound.intersection(_digests_of(row)):
            message = f"The text beside event {row.number} was changed or removed."
            return Fault(kind="altered", number=row.number, message=message)
    return None


def _report(checked: int, kind: Kind, number: int, message: str) -> ChainReport:
    return ChainReport(ok=False, checked=checked, fault=Fault(kind=kind, number=number, message=message))


def _chunks(tx: Tx) -> Iterator[tuple[list[Row[Any]], Row[Any] | None]]:
    """All events in order, some at a time, with the one that follows."""
    query = select(events).order_by(events.c.number).limit(_CHUNK + 1)
    rows = list(tx.execute(query))
    while rows:
        chunk, following = rows[:_CHUNK], rows[_CHUNK:]
        yield chunk, following[0] if following else None
        rows = list(tx.execute(query.where(events.c.number > chunk[-1].number))) if following else []


def _fault_at(anchor: Anchor, number: int, previous: str, row: Row[Any], following: Row[Any] | None) -> Fault | None:
    if row.number == number and _is_genuine(anchor, row, number, previous) and _digest(row, number) == row.hash:
        return None
    if row.number < number or _took_its_place(anchor, number, previous, row, following):
        return Fault(kind="inserted", number=row.number, message=f"Event {row.number} was not written by the ledger.")
    if row.number > number:
        return Fault(kind="removed", number=number, message=f"Event {number} is missing before event {row.number}.")
    if _is_genuine(anchor, row, number + 1, row.previous):
        return Fault(kind="removed", number=number, message=f"Event {number} is missing; another one has its number.")
    return Fault(kind="altered", number=number, message=f"Event {number} is not what was written under that number.")


def _took_its_place(anchor: Anchor, number: int, previous: str, row: Row[Any], following: Row[Any] | None) -> bool:
    """Whether the event of that number is the one after the row, which then pushed it on."""
    if following is None or not _is_genuine(anchor, following, number, previous):
        return False
    # a row that was signed under its own number stands where it was written
    return row.number == number or not _is_signed(anchor, row)


def _known_as_new(fault: Fault | None, anchor: Anchor, anchored: Anchored, row: Row[Any]) -> Fault | None:
    """A row beyond the anchored head that nobody signed was never anything else: it was inserted."""
    if fault is None or fault.kind == "inserted" or fault.number <= anchored.number:
        return fault
    if fault.kind == "removed" and (row.number == fault.number or _is_signed(anchor, row)):
        return fault
    message = f"Event {row.number} was not written by the ledger, which ended before it."
    return Fault(kind="inserted", number=row.number, message=message)


def _digest(row: Row[Any], number: int, previous: str | None = None) -> str:
    fields = {name: getattr(row, name) for name in HASHED} | {"number": number}
    return digest_fields(fields if previous is None else fields | {"previous": previous})


def _is_genuine(anchor: Anchor, row: Row[Any], number: int, previous: str) -> bool:
    """Whether the ledger signed this very content as the event of that number after that hash."""
    return anchor.vouches(_digest(row, number, previous), row.signature)


def _is_signed(anchor: Anchor, row: Row[Any]) -> bool:
    """Whether the ledger signed the row as it stands, whatever comes before it."""
    return _is_genuine(anchor, row, row.number, row.previous)


def _fault_of_anchor(anchored: Anchored, row: Row[Any]) -> Fault | None:
    if row.number == anchored.number and row.hash != anchored.hash:
        message = f"Event {row.number} is another one than the one that was anchored."
        return Fault(kind="altered", number=row.number, message=message)
    return None


def _fault_of_tail(checked: int, previous: str, head: tuple[int, str], anchored: Anchored) -> ChainReport | None:
    expected = max(head[0], anchored.number)
    if expected > checked:
        message = f"The history ends before event {checked + 1}, but {expected} events were written."
        return _report(checked, "cut_off", checked + 1, message)
    if head != (checked, previous):
        message = f"The head row names event {head[0]}, but the history ends with event {checked}."
        return _report(checked, "altered", checked, message)
    return None


def _digests_of(row: Row[Any]) -> list[str]:
    states = (json.loads(row.before), json.loads(row.after))
    return [row.actor, *filter(None, [row.reason]), *(digest for state in states for digest in digests_in(state))]
