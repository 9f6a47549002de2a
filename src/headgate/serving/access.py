"""Who may predict where: the node's access table, asked with the header of a request."""

import hashlib
import time
from collections.abc import Callable, Mapping

from headgate.errors import Forbidden, Unauthenticated
from headgate.records import AccessKey, AccessTable
from headgate.serving.admission import Gate
from headgate.serving.priority import HEADER, HIGH, RANKS, asked_priority

_SCHEME = b"bearer "
_MOST_BYTES = 512


class Access:
    """The access table in force. Keys are found by the hash of the whole key, never by a part of it."""

    def __init__(
        self,
        required: bool,
        clock: Callable[[], float] = time.time,
        gates: Callable[[AccessKey], tuple[Gate, ...]] = lambda key: (),
    ) -> None:
        self._clock = clock
        self._gates_of = gates
        # an instance that was told to require keys does so before any table has come, and whatever the table says
        self._always = required
        self.required = required
        self.number = (0, 0)
        self._keys: dict[str, AccessKey] = {}
        # those keys that have limits
        self._gates: dict[str, tuple[Gate, ...]] = {}

    def apply(self, table: AccessTable) -> bool:
        """Put a table in force; False for one that is not newer."""
        if (table.epoch, table.number) <= self.number:
            return False
        self._keys = {key.sha256: key for key in table.keys}
        self._gates = {key.sha256: gates for key in table.keys if (gates := self._gates_of(key))}
        self.required = table.required or self._always
        self.number = (table.epoch, table.number)
        return True

    def caller(self, authorization: bytes | None) -> AccessKey | None:
        """The key of a request, None where none is required; raises `Unauthenticated`."""
        if not self.required:
            return None
        if authorization is None:
            raise Unauthenticated("This needs a key: send `Authorization: Bearer hg_…`.")
        if len(authorization) > _MOST_BYTES or authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise Unauthenticated("Expected `Authorization: Bearer hg_…`.")
        key = self._keys.get(hashlib.sha256(authorization[len(_SCHEME) :]).hexdigest())
        if key is None or (key.expires_at is not None and key.expires_at <= self._clock()):
            raise Unauthenticated("The key is not known here, was revoked or has expired.")
        return key

    def admit(self, headers: Mapping[str, bytes], scope: str) -> tuple[tuple[Gate, ...], int]:
        """The caller may predict in this "project/environment", through these gates of its own, with this priority.

        Raises `Unauthenticated`, `Forbidden` or `Malformed`.
        """
        key = self.caller(headers.get("authorization"))
        if not may_predict(key, scope):
            raise Forbidden("The key may not predict at this endpoint. Ask for the role predict in its environment.")
        # where no key is needed everybody may do everything
        highest = HIGH if key is None else RANKS[key.priority]
        gates = self._gates.get(key.sha256, ()) if key is not None else ()
        return gates, asked_priority(headers.get(HEADER), highest)


def may_predict(key: AccessKey | None, scope: str) -> bool:
    """Does the key cover a "project/environment"? No key is needed where `caller` gives None."""
    return key is None or any(_covers(granted, scope) for granted in key.predict)


def _covers(granted: str, scope: str) -> bool:
    if granted == "*":
        return True
    pairs = zip(granted.split("/"), scope.split("/"), strict=False)
    return granted.count("/") == scope.count("/") and all(left in ("*", right) for left, right in pairs)
