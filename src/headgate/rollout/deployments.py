"""What operators order: deploy a version behind an endpoint, or go back to the one before."""

import msgspec

from headgate.errors import Malformed, Refused
from headgate.names import validate_text
from headgate.records import DEFAULT_ENVIRONMENT, Record, RouteTable
from headgate.registry.models import get_model
from headgate.registry.projects import get_environment, get_project
from headgate.registry.signers import distrust
from headgate.registry.versions import VersionRecord, get_version, require_recorded
from headgate.rollout.endpoints import (
    Endpoint,
    contract_table,
    find_endpoint,
    get_endpoint,
    live_now,
    open_endpoint,
)
from headgate.rollout.gates import Case, Verdict, judge, require_passed
from headgate.rollout.lifecycle import Order
from headgate.rollout.publishing import answering, empty_table, next_table, publish, table_before, variant_of
from headgate.rollout.rollouts import Evidence, Plan, Rollout, active_rollout, advance, newest_live, start_rollout
from headgate.rollout.strategies import load_strategy
from headgate.storage.database import Tx


class Deployment(Record, frozen=True, kw_only=True):
    """The wish to have a version answer behind an endpoint."""

    version: str  # "fraud:3" or "fraud@champion"
    endpoint: str
    # None: where the endpoint stands, or for a new one the model's project and the default environment
    project: str | None = None
    environment: str | None = None
    strategy: str = "all-at-once"
    force: bool = False
    reason: str = ""


def deploy(tx: Tx, wish: Deployment, actor: str) -> Rollout:
    """Walk the gates and store the rollout, pending: the controller takes it from there.

    Raises `Refused` when a gate, the strategies' table or a missing reason says no, `Conflict` while another rollout of
    the endpoint is under way, `NotFound` for what does not exist.
    """
    validate_text(wish.reason, "reason")
    if wish.force and not wish.reason.strip():
        raise Malformed("Overriding the gates needs a reason, got none. Say why with --reason.")
    load_strategy(wish.strategy)
    version = get_version(tx, wish.version)
    project, environment = placed(tx, wish, version)
    endpoint = open_endpoint(tx, wish.endpoint, project, environment, actor)
    before = contract_table(tx, endpoint)
    verdicts = judge(_case(tx, endpoint, version, before), forced=wish.force)
    require_passed(verdicts)
    answering = live_now(tx, endpoint.name)
    plan = Plan(
        endpoint=endpoint.name,
        from_version=answering.version if answering else None,
        to_version=version.version,
        strategy=wish.strategy,
        actor=actor,
        reason=wish.reason,
        spec={"force": wish.force},
        evidence=tuple(evidence_of(verdict) for verdict in verdicts),
    )
    return start_rollout(tx, plan)


def placed(tx: Tx, wish: Deployment, version: VersionRecord) -> tuple[str, str]:
    """Project and environment that a deployment is for.

    The project is that of the version's model; the environment that of the endpoint when it exists. Raises `Refused`
    for another project, `NotFound` for an unknown environment.
    """
    project = get_model(tx, version.model).project
    if wish.project is not None and get_project(tx, wish.project).name != project:
        raise Refused(f"{version.version} belongs to the project {project}, not to {wish.project}. Leave it out.")
    standing = find_endpoint(tx, wish.endpoint)
    default = standing.environment if standing else DEFAULT_ENVIRONMENT
    return project, get_environment(tx, wish.environment or default).name


def roll_back(tx: Tx, name: str, actor: str, reason: str) -> Rollout:
    """Go back from the newest rollout that is live to what answered before it; published at once.

    Raises `Refused` when there is nothing to go back from or to, or what is there may no longer answer.
    """
    endpoint = get_endpoint(tx, name)
    rollout = _to_go_back_from(tx, endpoint)
    before = table_before(tx, endpoint.name, rollout.id)
    if before is None and rollout.terminal:
        raise Refused(
            f"{rollout.to_version} is the first version of {endpoint.name}: there is none to go back to. "
            f"To stop it, run `headgate endpoint delete {endpoint.name}`."
        )
    if rollout.terminal and before is not None:
        _require_earned(tx, endpoint, before)
    moved = advance(tx, rollout, Order(trigger="roll_back", actor=actor, reason=validate_text(reason, "reason")))
    publish(tx, before or empty_table(endpoint.name, endpoint.project, endpoint.environment), rollout.id)
    return moved


def _require_earned(tx: Tx, endpoint: Endpoint, before: RouteTable) -> None:
    """What was rejected or retired since it answered does not come back by the way of a rollback."""
    for variant in answering(before):
        version = get_version(tx, variant.version)
        verdicts = judge(_case(tx, endpoint, version, before), forced=False)
        try:
            require_passed(verdicts)
        except Refused as error:
            raise Refused(
                f"{version.version} answered before, but may no longer: {error.message} Deploy another version, or "
                f"this one with --force and a reason.",
                detail=error.detail,
            ) from error


def _to_go_back_from(tx: Tx, endpoint: Endpoint) -> Rollout:
    running = active_rollout(tx, endpoint.name)
    if running is not None and running.state == "rolling_back":
        raise Refused(f"{endpoint.name} is on its way back already ({running.id}).")
    if running is None and live_now(tx, endpoint.name) is None:
        raise Refused(f"Nothing answers behind {endpoint.name}: there is nothing to go back from.")
    rollout = running or newest_live(tx, endpoint.name)
    if rollout is None:
        raise Refused(f"{endpoint.name} is back at its first version: there is none before it.")
    return rollout


def publish_candidate(tx: Tx, rollout: Rollout) -> tuple[RouteTable, tuple[Verdict, ...]]:
    """Publish the table that starts a rollout. The gates are walked again: what they said may be out of date.

    Raises `Refused` when they say no by now.
    """
    endpoint = get_endpoint(tx, rollout.endpoint)
    version = get_version(tx, rollout.to_version)
    before = contract_table(tx, endpoint)
    verdicts = judge(_case(tx, endpoint, version, before), forced=bool(rollout.spec.get("force")))
    require_passed(verdicts)
    stable = next((variant for variant in before.variants if variant.role == "stable"), None)
    candidate = variant_of(version.version, version.digest, version.manifest)
    variants = load_strategy(rollout.strategy).variants(stable, candidate)
    kept = before.contract if before.variants and not _takes_new_contract(verdicts) else None
    table = publish(tx, next_table(before, variants, version.manifest, kept), rollout.id)
    return table, verdicts


def publish_previous(tx: Tx, rollout: Rollout) -> RouteTable:
    """Publish again what was there before the rollout, or nothing."""
    endpoint = get_endpoint(tx, rollout.endpoint)
    before = table_before(tx, endpoint.name, rollout.id)
    return publish(tx, before or empty_table(endpoint.name, endpoint.project, endpoint.environment), rollout.id)


def evidence_of(verdict: Verdict) -> Evidence:
    """A verdict as it is stored with the rollout."""
    return {"kind": "gate", **msgspec.to_builtins(verdict)}


def _case(tx: Tx, endpoint: Endpoint, version: VersionRecord, before: RouteTable) -> Case:
    require_recorded(tx, version)
    return Case(
        version=version.version,
        approval=version.state,
        manifest=version.manifest,
        endpoint=endpoint.name,
        needs_approval=get_environment(tx, endpoint.environment).needs_approval,
        contract=before.contract if before.variants else None,
        distrusted=distrust(tx, version),
    )


def _takes_new_contract(verdicts: tuple[Verdict, ...]) -> bool:
    """Whoever forces a version with another signature changes the contract."""
    return any(verdict.gate == "signature" and verdict.forced for verdict in verdicts)
