"""The spec of an endpoint, as it is stored with it, and the version that it names as its fallback."""

import logging
from typing import Any

import msgspec
from sqlalchemy import select, update

from headgate.conversion import converter
from headgate.errors import HeadgateError, Malformed, Refused
from headgate.names import shown
from headgate.records import EndpointSpec, RouteTable
from headgate.registry.models import get_model
from headgate.registry.projects import get_environment
from headgate.registry.signers import distrust
from headgate.registry.versions import VersionRecord, get_version, require_recorded
from headgate.rollout.gates import Case, judge, require_passed
from headgate.storage.database import Tx
from headgate.storage.schema import endpoints

log = logging.getLogger(__name__)
_spec = converter(EndpointSpec)


def read_spec(tx: Tx, endpoint: str) -> EndpointSpec:
    """What the endpoint of that exact name has been given; the defaults for what it has not."""
    stored = tx.execute(select(endpoints.c.spec).where(endpoints.c.name == endpoint)).scalar_one_or_none()
    return _spec(stored or {})


def store_spec(tx: Tx, endpoint: str, spec: EndpointSpec) -> None:
    """Keep a spec with its endpoint, whose revision grows."""
    values = {"spec": msgspec.to_builtins(spec), "revision": endpoints.c.revision + 1}
    tx.execute(update(endpoints).where(endpoints.c.name == endpoint).values(**values))


def parse_spec(document: Any) -> EndpointSpec:
    """A spec as it was written. Raises `Malformed` naming the field and what it takes."""
    try:
        return _spec(document)
    except msgspec.ValidationError as error:
        raise Malformed(
            f"The spec is not one of an endpoint: {error}. Fields and values are in docs/reference/spec.md."
        ) from error


def require_fallback(tx: Tx, spec: EndpointSpec, table: RouteTable) -> VersionRecord | None:
    """The version that a spec names as the fallback of a table; None when it names none.

    Raises `NotFound` when there is no such version, `Refused` when it may not answer here or takes other rows,
    `Corrupt` when its state is not the one in the ledger.
    """
    if not spec.fallback:
        return None
    version = get_version(tx, spec.fallback)
    if (project := get_model(tx, version.model).project) != table.project:
        raise Refused(f"{version.version} belongs to the project {project}, the endpoint to {table.project}.")
    require_passed(judge(case_of(tx, version, table)))
    return version


def case_of(tx: Tx, version: VersionRecord, table: RouteTable) -> Case:
    """What the gates look at when a version shall stand in the table that follows this one.

    Raises `Corrupt` when the version's state is not the one in the ledger.
    """
    require_recorded(tx, version)
    return Case(
        version=version.version,
        approval=version.state,
        manifest=version.manifest,
        endpoint=table.endpoint,
        needs_approval=get_environment(tx, table.environment).needs_approval,
        contract=table.contract if table.variants else None,
        distrusted=distrust(tx, version),
    )


def find_fallback(tx: Tx, spec: EndpointSpec, table: RouteTable) -> VersionRecord | None:
    """As `require_fallback`, but one that may no longer answer is left out: it must not keep a table from going out."""
    try:
        return require_fallback(tx, spec, table)
    except HeadgateError as error:
        log.warning("%s goes without its fallback %s: %s", table.endpoint, shown(spec.fallback), error.message)
        return None
