"""Rollouts as they are stored: read, started, and moved by one order at a time."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, func, insert, select, update

from headgate.conversion import converter
from headgate.errors import Conflict
from headgate.ledger.events import Event, append
from headgate.records import Record
from headgate.rollout.lifecycle import CONFIRMING, ENDED, LIVE, STATES, Order, State, next_state
from headgate.storage.database import Tx, now
from headgate.storage.instance import raise_number
from headgate.storage.pages import Page, check_limit, cut_page
from headgate.storage.schema import endpoints, rollouts

Evidence = dict[str, Any]
# ids count upwards, so that their order does not hang on a clock
ROLLOUTS = "rollouts"
SPENT = "seconds_spent"


class Step(Record, frozen=True, kw_only=True):
    """One move of a rollout."""

    state: State
    at: str
    by: str
    note: str = ""


class Rollout(Record, frozen=True, kw_only=True):
    """An endpoint's move from one version to another."""

    id: str
    endpoint: str
    from_version: str | None
    to_version: str
    strategy: str
    spec: dict[str, Any]
    state: State
    reason: str
    steps: tuple[Step, ...]
    evidence: tuple[Evidence, ...]
    by: str
    started_at: str
    ended_at: str | None
    revision: int

    @property
    def terminal(self) -> bool:
        return self.state in ENDED

    @property
    def spent(self) -> float:
        """Seconds that it was watched in its state, as far as they are written down."""
        return float(self.spec.get(SPENT, 0.0))


_rollout = converter(Rollout)


class Plan(Record, frozen=True, kw_only=True):
    """What somebody wants to happen to an endpoint."""

    endpoint: str
    from_version: str | None
    to_version: str
    strategy: str
    actor: str
    reason: str = ""
    spec: dict[str, Any] = {}
    evidence: tuple[Evidence, ...] = ()


def start_rollout(tx: Tx, plan: Plan) -> Rollout:
    """Store a new rollout, pending, with its event. Raises `Conflict` while another one is under way there."""
    if (running := active_rollout(tx, plan.endpoint)) is not None:
        raise Conflict(
            f"{plan.endpoint} is on its way to {running.to_version} ({running.id} is {running.state}). "
            "Wait until it has ended, or roll it back first."
        )
    at = now(tx)
    rollout = Rollout(
        id=f"r-{raise_number(tx, ROLLOUTS):08d}",
        endpoint=plan.endpoint,
        from_version=plan.from_version,
        to_version=plan.to_version,
        strategy=plan.strategy,
        spec=plan.spec,
        state="pending",
        reason=plan.reason,
        steps=(Step(state="pending", at=at, by=plan.actor, note=plan.reason),),
        evidence=plan.evidence,
        by=plan.actor,
        started_at=at,
        ended_at=None,
        revision=1,
    )
    tx.execute(insert(rollouts).values(msgspec.to_builtins(rollout)))
    _touch_endpoint(tx, rollout)
    _tell(tx, rollout, before={}, verb="rollout.start", actor=plan.actor, reason=plan.reason)
    return rollout


def advance(tx: Tx, rollout: Rollout, order: Order, evidence: Iterable[Evidence] = ()) -> Rollout:
    """Move a rollout by one order: new state and its event, in the caller's transaction.

    Raises `Refused` where the lifecycle has no such move, `Conflict` when somebody else has moved it since it was read.
    """
    state = next_state(rollout.state, order)
    at = now(tx)
    moved = msgspec.structs.replace(
        rollout,
        state=state,
        spec={name: value for name, value in rollout.spec.items() if name != SPENT},
        reason=rollout.reason if order.trigger in CONFIRMING else order.reason or rollout.reason,
        steps=(*rollout.steps, Step(state=state, at=at, by=order.actor, note=order.reason)),
        evidence=(*rollout.evidence, *evidence),
        ended_at=at if state in ENDED else None,
        revision=rollout.revision + 1,
    )
    _replace(tx, rollout, moved)
    _touch_endpoint(tx, rollout)
    before = {"state": rollout.state}
    _tell(tx, moved, before=before, verb=f"rollout.{order.trigger}", actor=order.actor, reason=order.reason)
    return moved


def note_spent(tx: Tx, rollout: Rollout, seconds: float) -> None:
    """Write down for how long it has been in its state. Not a decision, so not an event."""
    spec = rollout.spec | {SPENT: seconds}
    _replace(tx, rollout, msgspec.structs.replace(rollout, spec=spec, revision=rollout.revision + 1))


def _touch_endpoint(tx: Tx, rollout: Rollout) -> None:
    name, revision = endpoints.c.name, endpoints.c.revision
    tx.execute(update(endpoints).where(name == rollout.endpoint).values(revision=revision + 1))


def _replace(tx: Tx, read: Rollout, changed: Rollout) -> None:
    values = msgspec.to_builtins(changed)
    touched = tx.execute(
        update(rollouts).where(rollouts.c.id == read.id, rollouts.c.revision == read.revision).values(values)
    )
    if touched.rowcount == 0:
        raise Conflict(f"{read.id} was moved by somebody else meanwhile. Look at it again: headgate rollout show.")


def _tell(tx: Tx, rollout: Rollout, *, before: dict[str, Any], verb: str, actor: str, reason: str) -> None:
    after = {
        "rollout": rollout.id,
        "state": rollout.state,
        "from": rollout.from_version,
        "to": rollout.to_version,
        "evidence": list(rollout.evidence),
    }
    append(
        tx, Event(actor=actor, verb=verb, object=subject(rollout.endpoint), reason=reason, before=before, after=after)
    )


def subject(endpoint: str) -> str:
    """An endpoint as the ledger names it."""
    return f"endpoint:{endpoint}"


def active_rollout(tx: Tx, endpoint: str) -> Rollout | None:
    """The one that is under way at an endpoint; there is never a second."""
    found = _read(tx, rollouts.c.endpoint == endpoint, rollouts.c.ended_at.is_(None))
    return found[0] if found else None


def active_rollouts(tx: Tx) -> Sequence[Rollout]:
    """All that are under way, oldest first."""
    return _read(tx, rollouts.c.ended_at.is_(None))


def count_by_state(tx: Tx) -> dict[State, int]:
    """How many rollouts are in each state, also in those that none is in."""
    found = tx.execute(select(rollouts.c.state, func.count().label("number")).group_by(rollouts.c.state))
    counts: dict[State, int] = dict.fromkeys(STATES, 0)
    return counts | {row.state: row.number for row in found}


def rollouts_of(tx: Tx, endpoint: str) -> Sequence[Rollout]:
    """All of an endpoint, oldest first."""
    return _read(tx, rollouts.c.endpoint == endpoint)


def newest_live(tx: Tx, endpoint: str) -> Rollout | None:
    """The newest rollout whose version answers or is on its way: what a rollback goes back from."""
    return next((each for each in reversed(rollouts_of(tx, endpoint)) if each.state in LIVE), None)


def page_of_rollouts(tx: Tx, endpoint: str, limit: int, cursor: str = "") -> Page[Rollout]:
    """An endpoint's rollouts, newest first; `cursor` is the last id of the page before."""
    conditions = [rollouts.c.endpoint == endpoint, *([rollouts.c.id < cursor] if cursor else [])]
    chosen = select(rollouts).where(*conditions).order_by(rollouts.c.id.desc()).limit(check_limit(limit) + 1)
    found = [_decode(row) for row in tx.execute(chosen)]
    return cut_page([(each.id, each) for each in found], limit)


def _read(tx: Tx, *conditions: ColumnElement[bool]) -> Sequence[Rollout]:
    rows = tx.execute(select(rollouts).where(*conditions).order_by(rollouts.c.id))
    return [_decode(row) for row in rows]


def _decode(row: Row[Any]) -> Rollout:
    return _rollout({name: getattr(row, name) for name in Rollout.__struct_fields__})
