"""Personal text beside the chain: the chain holds salted digests, so that erasing the text leaves it whole."""

import hashlib
import secrets
from collections.abc import Iterable

from sqlalchemy import insert, select, update

from headgate.ledger.canonical import canonical_text
from headgate.records import Record
from headgate.storage.database import Tx
from headgate.storage.schema import personal_texts

ACTOR, REASON, VALUE = "actor", "reason", "value"
ERASED = "(erased)"
# digests per query: SQLite takes 32,766 parameters, this keeps well below
_CHUNK = 500


class Personal(Record, frozen=True):
    """Text about a person in an event's `before` or `after`; can be erased later."""

    text: str


def conceal(tx: Tx, kind: str, text: str) -> str:
    """Store the text and return its salted digest; an actor's name keeps one digest, so that events can be found."""
    if kind == ACTOR and (known := find_actor(tx, text)):
        return known[0]
    salt = secrets.token_bytes(16)
    digest = digest_of_text(salt, text)
    tx.execute(insert(personal_texts).values(digest=digest, kind=kind, salt=salt, text=text))
    return digest


def digest_of_text(salt: bytes, text: str) -> str:
    """sha256 over salt and text, in hex."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def find_actor(tx: Tx, name: str) -> list[str]:
    """The digests under which events name this actor."""
    query = select(personal_texts.c.digest).where(personal_texts.c.kind == ACTOR, personal_texts.c.text == name)
    return list(tx.execute(query).scalars())


def reveal(tx: Tx, digests: Iterable[str]) -> dict[str, str]:
    """Digest → text, `(erased)` where it was erased."""
    wanted, found = sorted(set(digests)), {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(personal_texts.c.digest, personal_texts.c.text)
        for digest, text in tx.execute(query.where(personal_texts.c.digest.in_(wanted[start : start + _CHUNK]))):
            found[digest] = ERASED if text is None else text
    return found


def check_texts(tx: Tx, digests: Iterable[str]) -> set[str]:
    """Those digests whose stored text is missing or is not what was digested; erased ones are fine."""
    wanted, sound = sorted(set(digests)), set()
    for start in range(0, len(wanted), _CHUNK):
        query = select(personal_texts).where(personal_texts.c.digest.in_(wanted[start : start + _CHUNK]))
        for row in tx.execute(query):
            erased = row.text is None and row.salt is None
            if erased or _matches(row.digest, row.salt, row.text):
                sound.add(row.digest)
    return set(wanted) - sound


def _matches(digest: str, salt: bytes | None, text: str | None) -> bool:
    return salt is not None and text is not None and digest_of_text(salt, text) == digest


def erase_text(tx: Tx, text: str) -> int:
    """Erase every occurrence of exactly this text, with its salt; returns how many there were."""
    matching = update(personal_texts).where(personal_texts.c.text == text)
    return tx.execute(matching.values(text=None, salt=None)).rowcount


def canonical_state(tx: Tx, state: dict[str, object] | None) -> str:
    """An event's `before` or `after` as it is stored, `Personal` values as `{"personal": digest}`."""
    if state is None:
        return "null"
    stored = {
        name: {"personal": conceal(tx, VALUE, value.text)} if isinstance(value, Personal) else value
        for name, value in state.items()
    }
    return canonical_text(stored)


def digests_in(state: object) -> list[str]:
    """The digests that a stored `before` or `after` refers to."""
    if not isinstance(state, dict):
        return []
    return [value["personal"] for value in state.values() if is_concealed(value)]


def is_concealed(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"personal"} and isinstance(value["personal"], str)
