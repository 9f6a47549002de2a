"""Versions: registered bundles and the decisions about them."""

import hashlib
import sys
import tarfile
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Query, Request, Response
from pydantic import Field

from headgate.bundle.manifest import CARD
from headgate.errors import Corrupt, NotFound, Refused
from headgate.records import DEFAULT_PROJECT
from headgate.registry.models import find_row, get_model
from headgate.registry.projects import get_project
from headgate.registry.versions import VersionRecord, approve, get_version, register, reject, retire
from headgate.rollout.publishing import follow_aliases, node_routes
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.door import BUNDLE_TYPE
from headgate.web.api.guards import Who, guarded
from headgate.web.api.plane import ControlPlane, Plane
from headgate.web.api.shapes import Because, ModelName, Number, Shape, reference_to
from headgate.web.api.uploads import received_bundle, stored_artifact

router = guarded("versions")

Decision = Callable[[Tx, str, str, str], VersionRecord]


class VersionShape(Shape):
    version: str = Field(examples=["fraud:3"])
    model: str
    number: int
    digest: str = Field(description="sha256 of the manifest: the bundle's identity.")
    state: str = Field(examples=["approved"])
    registered_at: str
    registered_by: str
    aliases: list[str]
    framework: str
    task: str
    serves: str = Field(description="The form that answers: onnx or native.")
    metrics: dict[str, float]
    size: int = Field(description="Bytes of the stored bundle.")
    signed_by: str = Field(description="Id of the signing key; empty for none.")


class RegisteredVersion(VersionShape):
    known: bool = Field(description="Whether this very bundle was registered before.")


class WholeVersion(VersionShape):
    manifest: Annotated[dict[str, Any], reference_to("Manifest")]


def _fields(record: VersionRecord) -> dict[str, Any]:
    manifest = record.manifest
    return {
        "version": record.version,
        "model": record.model,
        "number": record.number,
        "digest": record.digest,
        "state": record.state,
        "registered_at": record.registered_at,
        "registered_by": record.registered_by,
        "aliases": list(record.aliases),
        "framework": manifest.framework,
        "task": manifest.task,
        "serves": manifest.serves,
        "metrics": manifest.metrics,
        "size": record.size,
        "signed_by": record.signed_by,
    }


def show_version(record: VersionRecord) -> VersionShape:
    """A version without its manifest."""
    return VersionShape(**_fields(record))


@router.post(
    "/versions",
    status_code=201,
    response_model=RegisteredVersion,
    responses={200: {"model": RegisteredVersion, "description": "The bundle was registered before."}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {BUNDLE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    # counted while it is received, against the setting
    max_body_size=sys.maxsize,
)
def upload(
    change: Change,
    request: Request,
    plane: Plane,
    alias: Annotated[str | None, Query(max_length=128, description="Point this alias at the version.")] = None,
    project: Annotated[str | None, Query(max_length=128, description="Project of a new model.")] = None,
) -> Response:
    """Register a bundle (`.hgb`) as the next version of its model."""
    # before anything is received for a model that the caller may not touch; checked again when it is known which
    change.caller.require("models:register", project)
    with received_bundle(plane, request) as (bundle, archive, signed_by):
        # nothing is kept of what the caller may not register
        with plane.database.read() as tx:
            change.caller.require("models:register", _project_for(tx, bundle.manifest.name, project))
        with stored_artifact(plane, archive) as (artifact, use):

            def act(tx: Tx) -> Done:
                change.caller.require("models:register", _project_for(tx, bundle.manifest.name, project))
                use(tx)
                record = register(
                    tx, bundle.digest, bundle.manifest, artifact,
                    actor=change.actor, alias=alias, project=project, signed_by=signed_by,
                )  # fmt: skip
                if alias is not None:
                    follow_aliases(tx, record.model)
                return 200 if record.known else 201, RegisteredVersion(**_fields(record), known=record.known)

            return change.run(artifact.digest.encode(), act)


def _project_for(tx: Tx, model: str, wanted: str | None) -> str:
    row = find_row(tx, model)
    if row is not None:
        return str(row.project)
    return get_project(tx, wanted).name if wanted else DEFAULT_PROJECT


@router.get("/models/{model}/versions/{number}")
def show(plane: Plane, caller: Who, model: ModelName, number: Number) -> WholeVersion:
    """One version with its manifest."""
    record = _readable(plane, caller, model, number)
    return WholeVersion(**_fields(record), manifest=msgspec.to_builtins(record.manifest))


@router.get(
    "/models/{model}/versions/{number}/card",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {}}}},
)
def card(plane: Plane, caller: Who, model: ModelName, number: Number) -> Response:
    """The model card, in Markdown."""
    record = _readable(plane, caller, model, number)
    return Response(_read_card(plane, record), media_type="text/markdown")


def _readable(plane: ControlPlane, caller: Who, model: str, number: int) -> VersionRecord:
    with plane.database.read() as tx:
        caller.require("models:read", get_model(tx, model).project)
        return get_version(tx, f"{model}:{number}")


def _read_card(plane: ControlPlane, record: VersionRecord) -> bytes:
    entry = record.manifest.files.get(CARD)
    if entry is None:
        raise NotFound(f"The bundle of {record.version} holds no {CARD}.")
    with plane.store.open(record.artifact) as stored, tarfile.open(fileobj=stored, mode="r|") as archive:
        for member in archive:
            if member.name == CARD and (file := archive.extractfile(member)) is not None:
                content = file.read(entry.size + 1)
                if hashlib.sha256(content).hexdigest() == entry.sha256:
                    return content
    raise Corrupt(f"The {CARD} of {record.version} is not the one that was packaged. Register the bundle again.")


@router.post("/models/{model}/versions/{number}/approve", response_model=VersionShape)
def approve_version(change: Change, model: ModelName, number: Number, body: Because) -> Response:
    """Let the version be deployed where approval binds."""
    return _decided(change, model, number, body, approve)


@router.post("/models/{model}/versions/{number}/reject", response_model=VersionShape)
def reject_version(change: Change, model: ModelName, number: Number, body: Because) -> Response:
    """Refuse the version where approval binds."""
    return _decided(change, model, number, body, reject)


@router.post("/models/{model}/versions/{number}/retire", response_model=VersionShape)
def retire_version(change: Change, model: ModelName, number: Number, body: Because) -> Response:
    """End the version for good; refused while it answers somewhere."""
    return _decided(change, model, number, body, _retire_idle)


def _decided(change: Change, model: str, number: int, body: Because, decide: Decision) -> Response:
    def act(tx: Tx) -> Done:
        change.caller.require("versions:approve", get_model(tx, model).project)
        return 200, show_version(decide(tx, f"{model}:{number}", change.actor, body.reason))

    return change.run(body, act)


def _retire_idle(tx: Tx, reference: str, actor: str, reason: str) -> VersionRecord:
    version = get_version(tx, reference).version
    busy = [table.endpoint for table in node_routes(tx) if version in {each.version for each in table.variants}]
    if busy:
        raise Refused(f"{version} answers behind {', '.join(busy)}. Deploy another version there first.")
    return retire(tx, reference, actor, reason)
