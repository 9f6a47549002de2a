"""Who goes first where not all can: three classes, asked for by the header `Headgate-Priority`.

The rule of a queue: a caller's turn is when it began, plus its class's `OFFSETS`; the earliest turn goes first. So one
waits for others of a higher class only if these began less than the difference of the offsets after it had joined:
whoever waits grows older than all who may still pass it, and nobody starves.

Where there is no room at all, the newest caller of the lowest class that still waits makes room for one of a higher.
"""

import random
from typing import Protocol, get_args

from headgate.errors import Forbidden, Malformed, NoRoom
from headgate.records import Priority

NAMES: tuple[Priority, ...] = get_args(Priority)
HIGH, NORMAL, LOW = range(len(NAMES))
RANKS: dict[str, int] = {name: rank for rank, name in enumerate(NAMES)}
# seconds by which others go first
OFFSETS = (0.0, 1.0, 5.0)
HEADER = "headgate-priority"


class Yielding(Protocol):
    """Where callers wait."""

    def displace(self, priority: int) -> bool:
        """Refuse the newest one that waits and is of a lower class than this; False when there is none."""
        ...


def asked_priority(value: bytes | None, highest: int) -> int:
    """The class of a request that may claim at most `highest`; raises `Malformed` or `Forbidden`."""
    if value is None:
        return max(NORMAL, highest)
    rank = RANKS.get(value.decode("latin-1").strip().lower())
    if rank is None:
        raise Malformed("Headgate-Priority must be high, normal or low.")
    if rank < highest:
        raise Forbidden(
            f"The key may ask for priority {NAMES[highest]} at most, got {NAMES[rank]}. An admin makes keys for it: "
            f"headgate key create --priority {NAMES[rank]}."
        )
    return rank


def displaced() -> NoRoom:
    """What a caller is told that made room."""
    # not all of them again at once
    return NoRoom("There is no room, and others of a higher priority came.", retry_after=1.0 + random.random())
