"""Whose signatures count here: keys whose bundles may run code, and keys whose bundles are not taken any more."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from headgate.bundle.signing import TrustedKeys, key_id, refusal, runs_code
from headgate.errors import Malformed, NotFound
from headgate.ledger.events import Event, append
from headgate.names import shown, validate_text
from headgate.records import Record, SignerTable
from headgate.registry.versions import VersionRecord
from headgate.storage.database import Tx, now
from headgate.storage.instance import raise_number, read_epoch, read_number, read_value, write_value

SIGNERS, SIGNERS_NUMBER = "signers", "signers_number"


class Signer(Record, frozen=True, kw_only=True):
    """A key that bundles are signed with, as this instance sees it."""

    id: str
    public_key: str  # 32 raw bytes in base64
    state: Literal["trusted", "revoked"]
    note: str
    changed_at: str
    changed_by: str


_signers = msgspec.json.Decoder(tuple[Signer, ...])


def list_signers(tx: Tx) -> tuple[Signer, ...]:
    """All that were ever trusted or revoked, by id."""
    kept = read_value(tx, SIGNERS)
    return _signers.decode(kept) if kept else ()


def trust_signer(tx: Tx, public_key: str, *, by: str, note: str = "") -> Signer:
    """Let bundles signed with this key run code; it ends a revocation. Raises `Malformed` for what is no key."""
    signer = Signer(
        id=key_id(public_key),
        public_key=public_key,
        state="trusted",
        note=validate_text(note, "note", 200),
        changed_at=now(tx),
        changed_by=by,
    )
    return _change(tx, signer, "signer.trust", by, note)


def revoke_signer(tx: Tx, key: str, *, by: str, reason: str) -> Signer:
    """Take no bundle with this key's signature any more; `key` is an id that is known here, or a public key.

    Raises `NotFound`, `Malformed`; a reason is needed.
    """
    if not validate_text(reason, "reason").strip():
        raise Malformed("No reason was given: expected why the key is not trusted any more.")
    known = next((each for each in list_signers(tx) if key in (each.id, each.public_key)), None)
    if known is None and len(key) != 44:
        raise NotFound(
            f"There is no signing key {shown(key)}. See `headgate key list-trusted`, or give the public key."
        )
    public_key = known.public_key if known else key
    note = known.note if known else ""
    signer = Signer(
        id=key_id(public_key), public_key=public_key, state="revoked", note=note, changed_at=now(tx), changed_by=by
    )
    return _change(tx, signer, "signer.revoke", by, reason)


def _change(tx: Tx, signer: Signer, verb: str, by: str, reason: str) -> Signer:
    others = [each for each in list_signers(tx) if each.id != signer.id]
    before = next((each.state for each in list_signers(tx) if each.id == signer.id), None)
    if before != signer.state:
        kept = sorted([*others, signer], key=lambda each: each.id)
        write_value(tx, SIGNERS, msgspec.json.encode(kept).decode())
        raise_number(tx, SIGNERS_NUMBER)
        append(
            tx,
            Event(
                actor=by,
                verb=verb,
                object=f"signer:{signer.id}",
                reason=reason,
                before={"state": before} if before else None,
                after={"state": signer.state, "public_key": signer.public_key},
            ),
        )
    return next(each for each in list_signers(tx) if each.id == signer.id)


def learn_signers(tx: Tx, public_keys: Iterable[str], *, by: str) -> None:
    """Trust those that were never heard of; one that was revoked stays so."""
    known = {each.public_key for each in list_signers(tx)}
    for public_key in sorted(set(public_keys) - known):
        trust_signer(tx, public_key, by=by)


def trusted_keys(tx: Tx) -> TrustedKeys:
    """As loaders ask for them."""
    found = list_signers(tx)
    return TrustedKeys(
        keys=frozenset(each.public_key for each in found if each.state == "trusted"),
        revoked=frozenset(each.public_key for each in found if each.state == "revoked"),
    )


def signer_table(tx: Tx) -> SignerTable:
    """As nodes are told."""
    keys = trusted_keys(tx)
    return SignerTable(
        epoch=read_epoch(tx),
        number=read_number(tx, SIGNERS_NUMBER),
        trusted=tuple(sorted(keys.keys)),
        revoked=tuple(sorted(keys.revoked)),
    )


def distrust(tx: Tx, version: VersionRecord) -> str:
    """Why the version's signature does not let it be deployed; empty where it does."""
    signer = next((each for each in list_signers(tx) if each.id == version.signed_by), None)
    if signer is not None and signer.state == "trusted":
        return ""
    if signer is None and not runs_code(version.manifest):
        return ""
    return refusal(version.version, version.signed_by, signer.public_key if signer else "", revoked=signer is not None)
