"""Endpoints: made, deleted, and what was live behind one at any time, by whom and on what evidence."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Row, func, insert, select, update

from headgate.conversion import converter
from headgate.errors import Conflict, NotFound, PreconditionFailed, Refused
from headgate.ledger.events import Event, append
from headgate.names import fold, shown, validate_name
from headgate.records import Record, RouteTable
from headgate.rollout.publishing import Published, empty_table, newest_table, publish, tables_of
from headgate.rollout.rollouts import Evidence, Rollout, Step, active_rollout, rollouts_of, subject
from headgate.storage.database import Tx, now
from headgate.storage.pages import Page, check_limit, cut_page
from headgate.storage.schema import endpoints

# live: a version answers and nothing is under way; down: nothing answers
Condition = Literal["live", "deploying", "rolling_back", "down"]


class Endpoint(Record, frozen=True, kw_only=True):
    """A named address that answers predictions."""

    name: str
    project: str
    environment: str
    revision: int  # grows with every change of the endpoint or of what stands behind it
    created_at: str
    created_by: str


_endpoint = converter(Endpoint)


class Live(Record, frozen=True, kw_only=True):
    """What answered at some time, and why."""

    table: RouteTable
    since: str
    by: str
    reason: str
    evidence: tuple[Evidence, ...]
    rollout: str

    @property
    def version(self) -> str:
        return self.table.variants[0].version


def get_endpoint(tx: Tx, name: str, *, also_deleted: bool = False) -> Endpoint:
    """The endpoint of that name, whatever its case; raises `InvalidName` and `NotFound`."""
    endpoint = find_endpoint(tx, name, also_deleted=also_deleted)
    if endpoint is None:
        raise NotFound(f"There is no endpoint {shown(name)}. See them with `headgate endpoint list`.")
    return endpoint


def find_endpoint(tx: Tx, name: str, *, also_deleted: bool = False) -> Endpoint | None:
    """The endpoint of that name, or None; raises `InvalidName`."""
    row = _row(tx, name)
    return None if row is None or (row.deleted and not also_deleted) else _decode(row)


def list_endpoints(tx: Tx, limit: int, cursor: str = "") -> Page[Endpoint]:
    """Endpoints by name; `cursor` is the last name of the page before."""
    chosen = (
        select(endpoints)
        .where(endpoints.c.deleted.is_(False), endpoints.c.folded > cursor)
        .order_by(endpoints.c.folded)
        .limit(check_limit(limit) + 1)
    )
    return cut_page([(row.folded, _decode(row)) for row in tx.execute(chosen)], limit)


def every_endpoint(tx: Tx) -> Sequence[Endpoint]:
    """All endpoints by name."""
    chosen = select(endpoints).where(endpoints.c.deleted.is_(False)).order_by(endpoints.c.folded)
    return [_decode(row) for row in tx.execute(chosen)]


def open_endpoint(tx: Tx, name: str, project: str, environment: str, actor: str) -> Endpoint:
    """The endpoint for a deployment: made when it is new, made again after its deletion.

    Raises `Conflict` when it stands in another project or environment.
    """
    row = _row(tx, name)
    if row is None:
        return _make(tx, row, name, project, environment, actor)
    endpoint = _decode(row)
    if row.deleted and endpoint.project != project:
        # its history and records would be seen by others
        raise Conflict(f"The endpoint {endpoint.name} was one of {endpoint.project}. Choose another name.")
    if row.deleted:
        return _make(tx, row, name, project, environment, actor)
    if (endpoint.project, endpoint.environment) != (project, environment):
        raise Conflict(
            f"The endpoint {endpoint.name} stands in {endpoint.project}/{endpoint.environment}, the deployment is for "
            f"{project}/{environment}. Names are unique over all of them: choose another one."
        )
    return endpoint


def _make(
    tx: Tx, old: Row[tuple[object, ...]] | None, name: str, project: str, environment: str, actor: str
) -> Endpoint:
    values = {"project": project, "environment": environment, "created_at": now(tx), "created_by": actor}
    if old is None:
        tx.execute(insert(endpoints).values(name=name, folded=fold(name), spec={}, revision=1, deleted=False, **values))
    else:
        grown = endpoints.c.revision + 1
        tx.execute(
            update(endpoints)
            .where(endpoints.c.name == old.name)
            .values(deleted=False, revision=grown, spec={}, **values)
        )
    made = get_endpoint(tx, name)
    after = {"project": project, "environment": environment}
    append(tx, Event(actor=actor, verb="endpoint.create", object=subject(made.name), before={}, after=after))
    return made


def delete_endpoint(tx: Tx, name: str, actor: str, reason: str, revision: int | None = None) -> None:
    """Take the endpoint from the nodes. Its history stays. Raises `Refused` while a rollout is under way."""
    endpoint = get_endpoint(tx, name)
    require_revision(endpoint, revision)
    if (running := active_rollout(tx, endpoint.name)) is not None:
        raise Refused(f"{running.id} of {endpoint.name} is {running.state}. Wait until it has ended, or roll it back.")
    before = live_now(tx, endpoint.name)
    tx.execute(
        update(endpoints)
        .where(endpoints.c.name == endpoint.name)
        .values(deleted=True, revision=endpoints.c.revision + 1)
    )
    publish(tx, empty_table(endpoint.name, endpoint.project, endpoint.environment), rollout=None)
    was = {"version": before.version if before else None, "project": endpoint.project}
    append(
        tx,
        Event(actor=actor, verb="endpoint.delete", object=subject(endpoint.name), reason=reason, before=was, after={}),
    )


def require_revision(endpoint: Endpoint, revision: int | None) -> None:
    """Raises `PreconditionFailed` when the endpoint is no longer what the caller has read."""
    if revision is not None and revision != endpoint.revision:
        raise PreconditionFailed(
            f"{endpoint.name} was changed since it was read: it is at {endpoint.revision}, expected {revision}. "
            "Read it again and decide anew."
        )


def standing(tx: Tx, name: str) -> tuple[Condition, Live | None]:
    """What goes on at the endpoint now, and what answers."""
    live, running = live_now(tx, name), active_rollout(tx, name)
    if running is not None:
        return "rolling_back" if running.state == "rolling_back" else "deploying", live
    return "live" if live else "down", live


def live_now(tx: Tx, name: str) -> Live | None:
    """What answers now; None when nothing does."""
    return live_at(tx, name, now(tx))


def live_at(tx: Tx, name: str, moment: str) -> Live | None:
    """What answered at a moment (as it is stored: ISO 8601, UTC), from tables and rollouts; None when nothing did.

    A table counts from when every worker had acknowledged it, an empty one at once.
    """
    histories = {each.id: each for each in rollouts_of(tx, name)}
    live: Live | None = None
    judged: dict[str, tuple[Evidence, ...]] = {}
    for published, step, rollout in _confirmed(tables_of(tx, name), histories):
        if step is None or rollout is None:
            live = None if published.at <= moment else live
        elif step.at <= moment:
            live = _live(published.table, step, rollout, judged)
            judged[live.version] = live.evidence
    return live


def _confirmed(
    tables: Sequence[Published], histories: dict[str, Rollout]
) -> Iterator[tuple[Published, Step | None, Rollout | None]]:
    """Tables that came into force, in order, each with the step that says so (none for an empty table)."""
    seen: set[str] = set()
    for published in tables:
        rollout = histories.get(published.rollout or "")
        if not published.table.variants or rollout is None:
            yield published, None, None
            continue
        # a rollout's first table brings the new version, a later one brings the old one back
        wanted = "rolled_back" if rollout.id in seen else "promoted"
        seen.add(rollout.id)
        step = next((step for step in reversed(rollout.steps) if step.state == wanted), None)
        if step is not None:
            yield published, step, rollout


def _live(table: RouteTable, step: Step, rollout: Rollout, judged: dict[str, tuple[Evidence, ...]]) -> Live:
    """`judged` is the evidence on which each version came the last time: what goes back goes back to its own."""
    going_back = step.state == "rolled_back"
    ordered = next((each for each in reversed(rollout.steps) if each.state == "rolling_back"), step)
    return Live(
        table=table,
        since=step.at,
        by=ordered.by if going_back else rollout.by,
        reason=ordered.note if going_back else rollout.steps[0].note,
        evidence=judged.get(table.variants[0].version, ()) if going_back else rollout.evidence,
        rollout=rollout.id,
    )


def contract_table(tx: Tx, endpoint: Endpoint) -> RouteTable:
    """The table that the next one follows: its contract stands for as long as something answers."""
    empty = empty_table(endpoint.name, endpoint.project, endpoint.environment)
    # an endpoint that was deleted and made again may stand elsewhere now
    place = {"project": endpoint.project, "environment": endpoint.environment}
    return msgspec.structs.replace(newest_table(tx, endpoint.name) or empty, **place)


def _row(tx: Tx, name: str) -> Row[tuple[object, ...]] | None:
    folded = fold(validate_name(name, "endpoint name"))
    return tx.execute(select(endpoints).where(endpoints.c.folded == folded)).one_or_none()


def _decode(row: Row[tuple[object, ...]]) -> Endpoint:
    fields = {name: getattr(row, name) for name in Endpoint.__struct_fields__}
    return _endpoint(fields)


def count_endpoints(tx: Tx) -> int:
    """How many there are."""
    return int(
        tx.execute(select(func.count()).select_from(endpoints).where(endpoints.c.deleted.is_(False))).scalar_one()
    )
