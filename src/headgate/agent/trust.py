"""Whose bundles this node loads: the control plane's table of signers, kept on disk for when that is gone."""

import logging
from pathlib import Path

import msgspec

from headgate.agent.bundles import cached_bundle
from headgate.bundle.signing import TrustedKeys, require_signature, require_trust
from headgate.errors import HeadgateError
from headgate.home import Home, write_atomically
from headgate.records import SignerTable

logger = logging.getLogger(__name__)
_signers = msgspec.json.Decoder(SignerTable)


class Trust:
    """Asked before a version is loaded that this node has not loaded before."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._table = _read(signers_path(home))

    def take(self, table: SignerTable | None) -> None:
        """Put the table in force; one that is lower than ours is passed over."""
        known = self._table
        if table is None or (known and (table.epoch, table.number) <= (known.epoch, known.number)):
            return
        write_atomically(signers_path(self._home), msgspec.json.encode(table))
        self._table = table

    def require_signed(self, digest: str) -> None:
        """Raises `Untrusted` for one that no trusted key has signed, harmless or not."""
        require_signature(cached_bundle(self._home, digest), self._keys)

    def refusal(self, digest: str) -> HeadgateError | None:
        """Why a bundle in the cache may not be loaded, None where it may.

        Until a control plane has said whom to trust, what it hands out has passed its own look.
        """
        try:
            if self._table is not None:
                require_trust(cached_bundle(self._home, digest), self._keys)
        except HeadgateError as error:
            return error
        return None

    @property
    def _keys(self) -> TrustedKeys:
        table = self._table or SignerTable(epoch=0, number=0)
        return TrustedKeys(frozenset(table.trusted), frozenset(table.revoked))


def signers_path(home: Home) -> Path:
    """The node's table of signers."""
    return home.access.with_name("signers.json")


def _read(path: Path) -> SignerTable | None:
    try:
        return _signers.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.error("expected signers in %s, got: %s; nobody is trusted until a new table comes", path, error)
        return SignerTable(epoch=0, number=-1)
