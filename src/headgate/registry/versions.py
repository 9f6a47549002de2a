"""Versions: immutable registered bundles, and the decisions about them."""

from typing import Any, cast

import msgspec
from sqlalchemy import Row, func, insert, select, update

from headgate.bundle.manifest import Manifest, canonical_bytes, digest_of
from headgate.errors import Conflict, Corrupt, Malformed, NotFound, Refused
from headgate.ledger.events import Event, append, list_events
from headgate.names import fold, shown, validate_text
from headgate.records import Record
from headgate.registry.aliases import set_alias
from headgate.registry.approval import Decision, State, decide
from headgate.registry.models import find_or_create_model, get_model, touch
from headgate.registry.references import Reference, parse_reference
from headgate.storage.database import Tx, now
from headgate.storage.pages import Page, check_limit, cut_page, number_in
from headgate.storage.schema import aliases, models, versions
from headgate.storage.stores import StoredArtifact, check_digest

_manifests = msgspec.json.Decoder(Manifest)


class VersionRecord(Record, frozen=True, kw_only=True):
    """One version of a model."""

    model: str
    number: int
    digest: str  # of the manifest: the bundle's identity
    state: State
    manifest: Manifest
    artifact: str  # digest of the stored .hgb
    size: int  # bytes of the stored .hgb
    signed_by: str  # id of the signing key, or empty
    registered_at: str
    registered_by: str
    aliases: tuple[str, ...]
    known: bool = True  # False from the `register` that made it

    @property
    def version(self) -> str:
        """`fraud:3`"""
        return f"{self.model}:{self.number}"


def register(
    tx: Tx,
    digest: str,
    manifest: Manifest,
    artifact: StoredArtifact,
    *,
    actor: str,
    alias: str | None = None,
    project: str | None = None,
    signed_by: str = "",
) -> VersionRecord:
    """Make a bundle the next version of its model; a bundle that is known stays the version that it is.

    Raises `Malformed` when the digest is not the manifest's, `InvalidName`, or `Conflict` when the model belongs to
    another project.
    """
    if digest_of(manifest) != digest:
        raise Malformed("The digest is not that of the manifest. Package the model again.")
    known = _find_digest(tx, digest)
    if known and project is not None and fold(project) != fold(belongs := get_model(tx, known.model).project):
        raise Conflict(f"{known.version} is this bundle already, in the project {belongs}, not in {project}.")
    version = known or _add_version(tx, manifest, artifact, actor, project, signed_by)
    if alias is not None:
        set_alias(tx, version.model, alias, version.number, actor)
        version = get_version(tx, version.version)
    return msgspec.structs.replace(version, known=known is not None)


def _find_digest(tx: Tx, digest: str) -> VersionRecord | None:
    row = tx.execute(select(versions).where(versions.c.digest == digest)).one_or_none()
    return None if row is None else _record(tx, row)


def _add_version(
    tx: Tx, manifest: Manifest, artifact: StoredArtifact, actor: str, project: str | None, signed_by: str
) -> VersionRecord:
    model = find_or_create_model(tx, manifest.name, project, actor)
    number = model.last_number + 1
    tx.execute(
        insert(versions).values(
            model=model.name,
            number=number,
            digest=digest_of(manifest),
            manifest=canonical_bytes(manifest).decode(),
            artifact=artifact.digest,
            size=artifact.size,
            signed_by=signed_by,
            state="pending",
            registered_at=now(tx),
            registered_by=actor,
        )
    )
    tx.execute(update(models).where(models.c.name == model.name).values(last_number=number))
    touch(tx, model.name)
    after = {"digest": digest_of(manifest), "artifact": artifact.digest, "state": "pending", "signed_by": signed_by}
    append(tx, Event(actor=actor, verb="version.register", object=f"version:{model.name}:{number}", after=after))
    return get_version(tx, f"{model.name}:{number}")


def get_version(tx: Tx, reference: str | Reference) -> VersionRecord:
    """The version behind `fraud:3` or `fraud@champion`. Raises `NotFound`, `Malformed`, `InvalidName`."""
    found = parse_reference(reference) if isinstance(reference, str) else reference
    model = get_model(tx, found.model)
    number = found.number
    if found.alias is not None:
        by_alias = select(aliases.c.number).where(
            aliases.c.model == model.name, aliases.c.folded == found.alias.lower()
        )
        number = tx.execute(by_alias).scalar_one_or_none()
        if number is None:
            raise NotFound(f"{model.name} has no alias {found.alias}. See `headgate model show {model.name}`.")
    by_number = select(versions).where(versions.c.model == model.name, versions.c.number == number)
    row = tx.execute(by_number).one_or_none()
    if row is None:
        raise NotFound(f"There is no version {model.name}:{number}: the newest is {model.name}:{model.last_number}.")
    return _record(tx, row)


def get_version_by_digest(tx: Tx, digest: str) -> VersionRecord:
    """The version whose bundle has this identity. Raises `NotFound`, `Malformed`."""
    found = _find_digest(tx, check_digest(digest))
    if found is None:
        raise NotFound(f"There is no version with the digest {shown(digest)}. Register the bundle.")
    return found


def list_versions(tx: Tx, model: str, *, limit: int = 50, cursor: str | None = None) -> Page[VersionRecord]:
    """A model's versions, newest first."""
    query = select(versions).where(versions.c.model == get_model(tx, model).name)
    if cursor is not None:
        query = query.where(versions.c.number < number_in(cursor, digits=9))
    query = query.order_by(versions.c.number.desc()).limit(check_limit(limit) + 1)
    return cut_page([(str(row.number), _record(tx, row)) for row in tx.execute(query).all()], limit)


def approve(tx: Tx, reference: str, actor: str, reason: str) -> VersionRecord:
    """Let the version be deployed where approval binds. Raises `Refused`; a reason is needed."""
    return _decide(tx, reference, "approve", actor, reason)


def reject(tx: Tx, reference: str, actor: str, reason: str) -> VersionRecord:
    """Refuse the version where approval binds. Raises `Refused`; a reason is needed."""
    return _decide(tx, reference, "reject", actor, reason)


def retire(tx: Tx, reference: str, actor: str, reason: str) -> VersionRecord:
    """End the version for good. Raises `Refused` while an alias points at it; whether it answers somewhere is the
    caller's to know."""
    version = get_version(tx, reference)
    if version.aliases:
        raise Refused(f"{version.version} is {', '.join(version.aliases)}. Move or remove the alias first.")
    return _decide(tx, reference, "retire", actor, reason)


def _decide(tx: Tx, reference: str, decision: Decision, actor: str, reason: str) -> VersionRecord:
    if not validate_text(reason, "reason").strip():
        raise Malformed(f"No reason was given: expected why to {decision} {shown(reference)}.")
    version = get_version(tx, reference)
    state = decide(version.state, decision)
    here = (versions.c.model == version.model, versions.c.number == version.number)
    tx.execute(update(versions).where(*here).values(state=state))
    touch(tx, version.model)
    append(
        tx,
        Event(
            actor=actor,
            verb=f"version.{decision}",
            object=f"version:{version.version}",
            reason=reason,
            before={"state": version.state},
            after={"state": state},
        ),
    )
    return get_version(tx, version.version)


def require_recorded(tx: Tx, version: VersionRecord) -> None:
    """The version's state is the one that the newest event on it says; raises `Corrupt` when somebody went past it."""
    found = list_events(tx, object=f"version:{version.version}").items
    told = next((event.after["state"] for event in found if event.after and "state" in event.after), None)
    if told != version.state:
        raise Corrupt(
            f"The database says that {version.version} is {version.state}, the ledger says {told}: it was changed past "
            "the ledger. Decide on it anew with `headgate approve` or `headgate reject`."
        )


def count_versions(tx: Tx) -> int:
    """How many versions there are."""
    return tx.execute(select(func.count()).select_from(versions)).scalar_one()


def _record(tx: Tx, row: Row[Any]) -> VersionRecord:
    pointing = select(aliases.c.alias).where(aliases.c.model == row.model, aliases.c.number == row.number)
    return VersionRecord(
        model=row.model,
        number=row.number,
        digest=row.digest,
        state=cast("State", row.state),
        manifest=_read_manifest(row),
        artifact=row.artifact,
        size=row.size,
        signed_by=row.signed_by,
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        aliases=tuple(tx.execute(pointing.order_by(aliases.c.folded)).scalars()),
    )


def _read_manifest(row: Row[Any]) -> Manifest:
    try:
        return _manifests.decode(row.manifest)
    except msgspec.MsgspecError as error:
        raise Corrupt(f"The stored manifest of {row.model}:{row.number} cannot be read: {error}.") from error
