"""Writing and reading the history. An event is written in the transaction of the change that it tells of."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select, update

from headgate.errors import Corrupt
from headgate.ledger.anchor import Anchor, open_anchor
from headgate.ledger.canonical import digest_fields
from headgate.ledger.personal import (
    ACTOR,
    REASON,
    canonical_state,
    conceal,
    digests_in,
    find_actor,
    is_concealed,
    reveal,
)
from headgate.names import validate_text
from headgate.records import Record
from headgate.storage.database import Database, Tx, after_commit, now, surroundings_of
from headgate.storage.faults import RESTORE
from headgate.storage.pages import Page, check_limit, cut_page, number_in
from headgate.storage.schema import events, ledger_head

HASHED = ("number", "at", "actor", "verb", "object", "reason", "before", "after", "previous")
State = dict[str, Any]
# shown where the text beside the chain is gone without having been erased; `verify_ledger` names the event
MISSING = "(missing)"


class Event(Record, frozen=True, kw_only=True):
    """Who did what to which thing, and why. Wrap what tells of a person in `Personal`."""

    actor: str
    verb: str  # "version.approve"
    object: str  # "version:fraud:3"; never holds personal text
    reason: str = ""
    before: State | None = None
    after: State | None = None


class StoredEvent(Record, frozen=True, kw_only=True):
    """An event as it is read back, erased text as "(erased)"."""

    number: int
    at: str
    actor: str
    verb: str
    object: str
    reason: str
    before: State | None
    after: State | None
    hash: str


def open_ledger(database: Database, keys: Path) -> Anchor:
    """Let events be appended to this (migrated) database, signed and anchored in `keys`.

    Raises `Corrupt` when the ledger has events and the key is missing, or when it has none and the anchor knows better.
    """
    with database.read() as tx:
        fresh = read_head(tx)[0] == 0
    anchor = open_anchor(keys, fresh=fresh)
    anchored = anchor.read() if fresh else None
    if anchored is not None and anchored.number:
        _require_events(database, anchored.number)
    database.attached["anchor"] = anchor
    return anchor


def _require_events(database: Database, anchored: int) -> None:
    """An empty database beside an anchor of a written history is another one, or was lost."""
    with database.read() as tx:
        # asked again: another process may have begun to write a moment ago
        if read_head(tx)[0] == 0:
            raise Corrupt(
                f"The database is empty, but {anchored} events were written here: it was lost or is another one. "
                f"Put its file back. {RESTORE}"
            )


def append(tx: Tx, event: Event) -> StoredEvent:
    """Write the event under the next number, chained to the one before, signed; anchored after the commit."""
    anchor = anchor_of(tx)
    number, previous = read_head(tx, lock=True)
    fields = {
        "number": number + 1,
        "at": now(tx),
        "actor": conceal(tx, ACTOR, validate_text(event.actor, "actor")),
        "verb": validate_text(event.verb, "verb", 64),
        "object": validate_text(event.object, "object", 300),
        "reason": conceal(tx, REASON, validate_text(event.reason, "reason")) if event.reason else "",
        "before": canonical_state(tx, event.before),
        "after": canonical_state(tx, event.after),
        "previous": previous,
    }
    digest = digest_fields(fields)
    tx.execute(insert(events).values(**fields, hash=digest, signature=anchor.sign(digest)))
    tx.execute(update(ledger_head).values(number=number + 1, hash=digest))
    after_commit(tx, "The ledger's anchor", lambda: anchor.write(number + 1, digest))
    return read_event(tx, number + 1)


def anchor_of(tx: Tx) -> Anchor:
    """The anchor of the ledger that this transaction writes to."""
    anchor = surroundings_of(tx).attached.get("anchor")
    if not isinstance(anchor, Anchor):
        raise RuntimeError("the ledger is not open: call open_ledger(database, home.keys) before the first change")
    return anchor


def read_head(tx: Tx, lock: bool = False) -> tuple[int, str]:
    """Number and hash of the newest event; locked until the transaction ends, when asked for."""
    query = select(ledger_head.c.number, ledger_head.c.hash)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Corrupt(
            "The ledger's head row is missing. Restore a backup into a new home: headgate restore FILE --home DIR."
        )
    return row.number, row.hash


def read_event(tx: Tx, number: int) -> StoredEvent:
    """One event by its number."""
    return _read_rows(tx, [tx.execute(select(events).where(events.c.number == number)).one()])[0]


def list_events(
    tx: Tx,
    *,
    limit: int = 50,
    cursor: str | None = None,
    object: str | None = None,
    actor: str | None = None,
    verb: str | None = None,
) -> Page[StoredEvent]:
    """Events, newest first, of one object, actor or verb when given. Raises `Malformed` for a cursor or filter."""
    query = select(events).order_by(events.c.number.desc()).limit(check_limit(limit) + 1)
    if cursor is not None:
        query = query.where(events.c.number < number_in(cursor, digits=18))
    for column, text in ((events.c.object, object), (events.c.verb, verb)):
        if text is not None:
            query = query.where(column == validate_text(text, column.name))
    if actor is not None:
        query = query.where(events.c.actor.in_(find_actor(tx, validate_text(actor, "actor"))))
    found = _read_rows(tx, tx.execute(query).all())
    return cut_page([(str(event.number), event) for event in found], limit)


def _read_rows(tx: Tx, rows: Sequence[Row[Any]]) -> list[StoredEvent]:
    states = [(_read_state(row, row.before), _read_state(row, row.after)) for row in rows]
    digests = [digest for row in rows for digest in (row.actor, row.reason) if digest]
    digests += [digest for pair in states for state in pair for digest in digests_in(state)]
    texts = reveal(tx, digests)
    return [
        StoredEvent(
            number=row.number,
            at=row.at,
            actor=texts.get(row.actor, MISSING),
            verb=row.verb,
            object=row.object,
            reason=texts.get(row.reason, MISSING) if row.reason else "",
            before=_revealed(before, texts),
            after=_revealed(after, texts),
            hash=row.hash,
        )
        for row, (before, after) in zip(rows, states, strict=True)
    ]


def _read_state(row: Row[Any], text: str) -> State | None:
    try:
        state = json.loads(text)
    except ValueError as error:
        raise Corrupt(f"Event {row.number} was changed in the database. See `headgate audit verify`.") from error
    return state if isinstance(state, dict) else None


def _revealed(state: State | None, texts: dict[str, str]) -> State | None:
    if state is None:
        return None
    return {
        name: texts.get(value["personal"], MISSING) if is_concealed(value) else value for name, value in state.items()
    }
