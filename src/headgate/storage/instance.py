"""What an instance knows of itself: its id, its salt, its epoch and counters that only grow."""

import secrets

from sqlalchemy import insert, select, update

from headgate.storage.database import Tx
from headgate.storage.schema import instance

EPOCH, SALT, ID = "epoch", "salt", "id"


def found_instance(tx: Tx) -> None:
    """Give a new instance its id, salt and first epoch; harmless when it has them."""
    for key, value in ((EPOCH, "1"), (SALT, secrets.token_hex(32)), (ID, secrets.token_hex(8))):
        if read_value(tx, key) is None:
            write_value(tx, key, value)


def read_value(tx: Tx, key: str) -> str | None:
    """The value under this key, or None."""
    return tx.execute(select(instance.c.value).where(instance.c.key == key)).scalar_one_or_none()


def write_value(tx: Tx, key: str, value: str) -> None:
    """Set the value under this key."""
    changed = tx.execute(update(instance).where(instance.c.key == key).values(value=value))
    if changed.rowcount == 0:
        tx.execute(insert(instance).values(key=key, value=value))


def read_number(tx: Tx, key: str) -> int:
    """A counter; 0 before its first use."""
    return int(read_value(tx, key) or 0)


def raise_number(tx: Tx, key: str) -> int:
    """The counter's next number."""
    number = read_number(tx, key) + 1
    write_value(tx, key, str(number))
    return number


def read_epoch(tx: Tx) -> int:
    """The epoch that route tables are numbered in; a restored backup begins a new one."""
    return read_number(tx, EPOCH)


def raise_epoch(tx: Tx) -> int:
    """Begin a new epoch: what was published before the restored backup was made can never win again."""
    return raise_number(tx, EPOCH)
