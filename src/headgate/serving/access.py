"""Who may predict where: the node's access table, asked with the header of a request."""

import hashlib
import time
from collections.abc import Callable, Mapping

from headgate.derived_secrets import signing_secret
from headgate.errors import Forbidden, Unauthenticated
from headgate.records import AccessKey, AccessTable
from headgate.serving.admission import Gate
from headgate.serving.priority import HEADER, HIGH, RANKS, asked_priority
from headgate.serving.signatures import ALGORITHM, EXPIRED, MISSING, UNKNOWN, Signed, read_credential, refused, verify

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
        self._ids: dict[str, AccessKey] = {}
        self._subkey = b""  # from which the secrets of signed requests are derived; empty: none is taken
        # those keys that have limits
        self._gates: dict[str, tuple[Gate, ...]] = {}

    def apply(self, table: AccessTable) -> bool:
        """Put a table in force; False for one that is not newer."""
        if (table.epoch, table.number) <= self.number:
            return False
        self._keys = {key.sha256: key for key in table.keys}
        self._ids = {key.id: key for key in table.keys}
        self._subkey = bytes.fromhex(table.signing)
        self._gates = {key.sha256: gates for key in table.keys if (gates := self._gates_of(key))}
        self.required = table.required or self._always
        self.number = (table.epoch, table.number)
        return True

    def caller(self, authorization: bytes | None, request: Signed | None = None) -> AccessKey | None:
        """The key of a request, None where none is required; raises `Unauthenticated`.

        It is shown, or, where the whole request is given, has signed it.
        """
        if not self.required:
            return None
        if authorization is None:
            raise refused(MISSING, "This needs a key: send `Authorization: Bearer hg_…`, or sign the request.")
        if request is not None and authorization.startswith(ALGORITHM):
            if request.signer is None:  # it may be asked for several times
                request.signer = self._signer(authorization, request)
            return request.signer
        if len(authorization) > _MOST_BYTES or authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise Unauthenticated("Expected `Authorization: Bearer hg_…`.")
        key = self._keys.get(hashlib.sha256(authorization[len(_SCHEME) :]).hexdigest())
        if key is None or self._has_expired(key):
            raise Unauthenticated("The key is not known here, was revoked or has expired.")
        return key

    def _signer(self, authorization: bytes, request: Signed) -> AccessKey:
        """The key whose secret signed the request."""
        claimed = read_credential(authorization)
        key = self._ids.get(claimed.key_id)
        if key is None or not self._subkey:
            raise refused(UNKNOWN, "The security token included in the request is invalid: no key has this id here.")
        if self._has_expired(key):
            raise refused(EXPIRED, "The security token included in the request is expired.")
        verify(request, claimed, signing_secret(self._subkey, key.id), self._clock())
        return key

    def _has_expired(self, key: AccessKey) -> bool:
        return key.expires_at is not None and key.expires_at <= self._clock()

    def admit(
        self, headers: Mapping[str, bytes], scope: str, request: Signed | None = None
    ) -> tuple[tuple[Gate, ...], int]:
        """The caller may predict in this "project/environment", through these gates of its own, with this priority.

        Raises `Unauthenticated`, `Forbidden` or `Malformed`.
        """
        key = self.caller(headers.get("authorization"), request)
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
