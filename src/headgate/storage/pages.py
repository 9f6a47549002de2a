"""Lists in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from headgate.errors import Malformed

PAGE_LIMIT = 1_000
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list, and the cursor of the next ones (None at the end)."""

    items: tuple[Item, ...]
    next: str | None = None


def check_limit(limit: int) -> int:
    """The limit itself. Raises `Malformed` outside of 1 to 1000."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise Malformed(f"limit is {limit}: expected 1 to {PAGE_LIMIT}.")
    return limit


def number_in(cursor: str, digits: int) -> int:
    """The number that a cursor stands for, at most as long as its column holds for sure. Raises `Malformed`."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= digits):
        raise Malformed("The cursor is not one that was given out. Leave it out to begin anew.")
    return int(cursor)


def cut_page(found: Sequence[tuple[str, Item]], limit: int) -> Page[Item]:
    """A page from (cursor, item) pairs of which one more than `limit` was asked for."""
    shown = found[:limit]
    more = len(found) > limit
    return Page(tuple(item for _, item in shown), shown[-1][0] if more else None)
