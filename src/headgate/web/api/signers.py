"""Signing keys: whose bundles may run code, and whose are not taken any more."""

from fastapi import Response
from pydantic import Field

from headgate.registry.signers import Signer, list_signers, revoke_signer, trust_signer
from headgate.registry.versions import get_version
from headgate.rollout.publishing import node_routes, tell_nodes
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.guards import guarded
from headgate.web.api.plane import Plane
from headgate.web.api.shapes import Cursor, Limit, Listing, Shape, listing, page_of

router = guarded("signers")


class TrustedKey(Shape):
    public_key: str = Field(max_length=64, description="32 raw bytes of an ed25519 key in base64.")
    note: str = Field(default="", max_length=200, description="Whose it is.")


class RevokedKey(Shape):
    key: str = Field(max_length=64, description="Id of a key that is known here, or a public key.")
    reason: str = Field(max_length=2_000)


class SignerShape(Shape):
    id: str
    public_key: str
    state: str = Field(examples=["trusted", "revoked"])
    note: str
    changed_at: str
    changed_by: str
    answering: list[str] = Field(description="What it has signed and answers now.", examples=[["fraud:3 behind fraud"]])


def _shape(tx: Tx, signer: Signer) -> SignerShape:
    answering = [
        f"{variant.version} behind {table.endpoint}"
        for table in node_routes(tx)
        for variant in table.variants
        if get_version(tx, variant.version).signed_by == signer.id
    ]
    fields = {name: getattr(signer, name) for name in SignerShape.model_fields if name != "answering"}
    return SignerShape(**fields, answering=answering)


@router.get("/signers")
def list_all(plane: Plane, limit: Limit = 50, cursor: Cursor = None) -> Listing[SignerShape]:
    """Every signing key that was trusted or revoked here."""
    with plane.database.read() as tx:
        page = page_of(list_signers(tx), lambda signer: signer.id, limit, cursor)
        return listing(page, lambda signer: _shape(tx, signer))


@router.post("/signers", status_code=201, response_model=SignerShape)
def trust(change: Change, body: TrustedKey) -> Response:
    """Let bundles that this key signs run code."""

    def act(tx: Tx) -> Done:
        signer = trust_signer(tx, body.public_key, by=change.actor, note=body.note)
        tell_nodes(tx)
        return 201, _shape(tx, signer)

    return change.run(body, act)


@router.post("/signers/revoke", response_model=SignerShape)
def revoke(change: Change, body: RevokedKey) -> Response:
    """Load no bundle with this key's signature any more. What answers goes on until it is replaced, and is named."""

    def act(tx: Tx) -> Done:
        signer = revoke_signer(tx, body.key, by=change.actor, reason=body.reason)
        tell_nodes(tx)
        return 200, _shape(tx, signer)

    return change.run(body, act)
