"""Drivers' errors in our words: the one place where they are caught."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from headgate.errors import Conflict, Corrupt, HeadgateError, Malformed, Unavailable, Unusable

RESTORE = "Restore a backup into a new home: headgate restore FILE --home DIR."
_NO_DATABASE = re.compile(r'database "(.+)" does not exist')
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def translate_faults(*, connecting: bool = False) -> Iterator[None]:
    """Raise a driver's error as `Conflict`, `Malformed`, `Corrupt` or `Unavailable`; a mistake in a query stays one.

    While `connecting`, nothing was asked for yet: what fails there has changed nothing.
    """
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("All database connections are in use. Try again.", retry_after=1.0) from error
    except DBAPIError as error:
        translated = _translate(error, connecting)
        if translated is None:
            raise
        raise translated from error


def _translate(error: DBAPIError, connecting: bool) -> HeadgateError | None:
    if isinstance(error, IntegrityError):
        return Conflict("The change contradicts what is stored: it exists already, or was removed meanwhile.")
    if isinstance(error, DataError):
        return Malformed("A value cannot be stored: it is too long or holds a NUL character.")
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _DAMAGED:
        return Corrupt(f"The database file is damaged ({error.orig}). {RESTORE}")
    if code is not None and code & 0xFF in _BUSY:
        return Unavailable("Another process is writing to the database. Try again.", retry_after=1.0)
    if isinstance(error, OperationalError | InterfaceError | InternalError) and connecting:
        return _unreached(error)
    if isinstance(error, OperationalError | InterfaceError | InternalError):
        return Unavailable(
            f"The database failed: {_first_line(error)}. Whether the change took effect is not known: "
            "repeat it with the same idempotency key.",
            retry_after=1.0,
        )
    return None


def _unreached(error: DBAPIError) -> HeadgateError:
    if missing := _NO_DATABASE.search(str(error.orig)):
        return Unusable(f"There is no database {missing[1]} on that server. Make it: createdb {quote(missing[1])}")
    return Unavailable(f"The database cannot be reached: {_first_line(error)}. Try again.", retry_after=1.0)


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
