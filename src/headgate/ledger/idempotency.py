"""Commands that may be repeated: the answer is stored in the transaction of the change, under actor, verb and key."""

import hashlib
import re

from sqlalchemy import ColumnElement, delete, insert, select

from headgate.errors import Conflict, Malformed
from headgate.records import Record
from headgate.storage.database import Tx, now
from headgate.storage.schema import idempotency_keys

_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class Command(Record, frozen=True, kw_only=True):
    """One command under the key that its sender chose."""

    actor: str
    verb: str
    key: str
    body_digest: str  # sha256 of the body, in hex: see `command_of`


class Answer(Record, frozen=True, kw_only=True):
    """What was answered."""

    status: int
    body: str


def command_of(actor: str, verb: str, key: str, body: bytes) -> Command:
    """The command of a request. Raises `Malformed` for a key that is not 1 to 128 visible ASCII characters."""
    if not _KEY.fullmatch(key):
        raise Malformed("The idempotency key is not 1 to 128 visible ASCII characters. A UUID is a good one.")
    return Command(actor=actor, verb=verb, key=key, body_digest=hashlib.sha256(body).hexdigest())


def replay(tx: Tx, command: Command) -> Answer | None:
    """The stored answer, or None when this key is new. Raises `Conflict` when it came with another body."""
    row = tx.execute(select(idempotency_keys).where(*_scope(command))).one_or_none()
    if row is None:
        return None
    if row.body_digest != command.body_digest:
        raise Conflict("This idempotency key was used for another body. Use a new key for a new command.")
    return Answer(status=row.status, body=row.answer)


def remember(tx: Tx, command: Command, answer: Answer) -> None:
    """Store the answer in the transaction of the change. Raises `Conflict` when there is one already."""
    tx.execute(
        insert(idempotency_keys).values(
            actor=command.actor,
            verb=command.verb,
            key=command.key,
            body_digest=command.body_digest,
            status=answer.status,
            answer=answer.body,
            at=now(tx),
        )
    )


def forget_answers(tx: Tx, before: str) -> int:
    """Drop answers older than this stored time (see `stamp`); returns how many."""
    return tx.execute(delete(idempotency_keys).where(idempotency_keys.c.at < before)).rowcount


def _scope(command: Command) -> tuple[ColumnElement[bool], ...]:
    table = idempotency_keys.c
    return (table.actor == command.actor, table.verb == command.verb, table.key == command.key)
