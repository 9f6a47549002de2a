"""Route tables: built from what is registered, numbered so that none is ever lowered, and handed to the nodes."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, insert, select

from headgate.bundle.manifest import Manifest
from headgate.identity.access import access_table
from headgate.identity.actors import ACCESS_NUMBER
from headgate.records import EndpointSpec, NodeTables, Placement, RouteTable, Signature, Variant
from headgate.registry.signers import signer_table
from headgate.rollout.bell import Bell
from headgate.rollout.specs import find_fallback, read_spec
from headgate.storage.database import Tx, after_commit, now, surroundings_of
from headgate.storage.instance import raise_number, read_epoch, read_number
from headgate.storage.schema import aliases, endpoints, route_tables

# grows with every published table
CURSOR = "node_tables"
EPOCH_STEP = 2**32
# name under which a database carries the bell of those who wait for new tables
BELL = "bell"
_tables = msgspec.json.Decoder(RouteTable)


def variant_of(version: str, digest: str, manifest: Manifest) -> Variant:
    """A version as it will stand behind an endpoint: compiled models run inside the worker, all others in a host."""
    placement: Placement = "inline" if manifest.serves == "onnx" else "host"
    return Variant(version=version, digest=digest, form=manifest.serves, placement=placement)


def next_table(
    before: RouteTable, variants: tuple[Variant, ...], manifest: Manifest, contract: Signature | None
) -> RouteTable:
    """The table that follows `before`: these variants under this contract (None: the version's own signature)."""
    chosen = contract or manifest.signature
    changed = chosen != before.contract
    return msgspec.structs.replace(
        before,
        variants=variants,
        contract=chosen,
        contract_version=before.contract_version + (1 if changed and before.generation else 0),
        task=manifest.task,
        classes=manifest.classes,
    )


def empty_table(endpoint: str, project: str, environment: str) -> RouteTable:
    """The table of an endpoint that nothing has answered for yet."""
    return RouteTable(
        endpoint=endpoint,
        epoch=0,
        generation=0,
        contract=Signature(inputs=()),
        variants=(),
        project=project,
        environment=environment,
    )


def publish(tx: Tx, table: RouteTable, rollout: str | None) -> RouteTable:
    """Store the table under the next number and let the nodes know; returns it as it was numbered.

    It carries the endpoint's spec and the aliases as they are now, also when the variants are those of an older table,
    and the fallback that the spec names. A table without variants takes the endpoint from the nodes. Generations go on
    counting over deletions and epochs.
    """
    spec = read_spec(tx, table.endpoint)
    variants = _with_fallback(tx, table, spec)
    numbered = msgspec.structs.replace(
        table,
        epoch=read_epoch(tx),
        generation=_last_generation(tx, table.endpoint) + 1,
        spec=spec,
        variants=variants,
        labels=_labels(tx, variants),
    )
    tx.execute(
        insert(route_tables).values(
            endpoint=numbered.endpoint,
            epoch=numbered.epoch,
            generation=numbered.generation,
            body=msgspec.json.encode(numbered).decode(),
            at=now(tx),
            rollout=rollout,
        )
    )
    tell_nodes(tx)
    return numbered


def answering(table: RouteTable) -> tuple[Variant, ...]:
    """The variants that a rollout has put there: all but the fallback, which the spec adds."""
    return tuple(variant for variant in table.variants if variant.role != "fallback")


def _with_fallback(tx: Tx, table: RouteTable, spec: EndpointSpec) -> tuple[Variant, ...]:
    variants = answering(table)
    version = find_fallback(tx, spec, table) if variants else None
    if version is None or any(variant.version == version.version for variant in variants):
        return variants
    fallback = variant_of(version.version, version.digest, version.manifest)
    return (*variants, msgspec.structs.replace(fallback, role="fallback", weight=0))


def follow_aliases(tx: Tx, model: str) -> None:
    """Publish again the tables with versions of a model at which other aliases point now."""
    for table in node_routes(tx):
        concerned = any(variant.version.rpartition(":")[0] == model for variant in table.variants)
        if concerned and table.labels != _labels(tx, table.variants):
            publish(tx, table, _rollout_of(tx, table))


def _labels(tx: Tx, variants: Sequence[Variant]) -> tuple[tuple[str, str], ...]:
    found = []
    for version in dict.fromkeys(variant.version for variant in variants):
        model, _, number = version.rpartition(":")
        pointing = select(aliases.c.alias).where(aliases.c.model == model, aliases.c.number == int(number))
        found += [(alias, version) for alias in tx.execute(pointing.order_by(aliases.c.folded)).scalars()]
    return tuple(found)


def tell_nodes(tx: Tx) -> None:
    """Say that what nodes must know has changed; who waits for it is woken after the commit."""
    bell = surroundings_of(tx).attached.get(BELL)
    if isinstance(bell, Bell):
        after_commit(tx, BELL, bell.ring)
    raise_number(tx, CURSOR)


def read_cursor(tx: Tx) -> int:
    """The number of what nodes must know now: it grows with every change of tables, keys, grants and epochs."""
    # an epoch begins above all that the one before it counted to
    return read_epoch(tx) * EPOCH_STEP + read_number(tx, CURSOR) + read_number(tx, ACCESS_NUMBER)


def node_tables(tx: Tx, *, keys_required: bool, signing: bytes) -> NodeTables:
    """All that a node must know, as of this transaction."""
    return NodeTables(
        cursor=read_cursor(tx),
        routes=node_routes(tx),
        access=access_table(tx, required=keys_required, signing=signing),
        signers=signer_table(tx),
    )


def _last_generation(tx: Tx, endpoint: str) -> int:
    newest = select(func.max(route_tables.c.generation)).where(route_tables.c.endpoint == endpoint)
    return int(tx.execute(newest).scalar() or 0)


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A table with when it was published, and for which rollout."""

    table: RouteTable
    at: str
    rollout: str | None


def tables_of(tx: Tx, endpoint: str) -> Sequence[Published]:
    """Every table of an endpoint, in the order of their numbers."""
    chosen = (
        select(route_tables)
        .where(route_tables.c.endpoint == endpoint)
        .order_by(route_tables.c.epoch, route_tables.c.generation)
    )
    return [Published(table=_tables.decode(row.body), at=row.at, rollout=row.rollout) for row in tx.execute(chosen)]


def newest_table(tx: Tx, endpoint: str) -> RouteTable | None:
    """The table that nodes are told now, with or without variants; None when there never was one."""
    chosen = (
        select(route_tables.c.body)
        .where(route_tables.c.endpoint == endpoint)
        .order_by(route_tables.c.epoch.desc(), route_tables.c.generation.desc())
        .limit(1)
    )
    body = tx.execute(chosen).scalar_one_or_none()
    return None if body is None else _tables.decode(body)


def table_before(tx: Tx, endpoint: str, rollout: str) -> RouteTable | None:
    """What was published last before a rollout touched the endpoint, and had it answer with something else.

    A version that was deployed twice is not what one goes back to from itself. None when it answered nothing then.
    """
    tables = list(tables_of(tx, endpoint))
    place = next((place for place, published in enumerate(tables) if published.rollout == rollout), len(tables))
    # one that has published nothing leaves what there is
    left = answering(tables[place].table) if place < len(tables) else None
    for published in reversed(tables[:place]):
        if answering(published.table) != left:
            return published.table if published.table.variants else None
    return None


def node_routes(tx: Tx) -> tuple[RouteTable, ...]:
    """The newest table of every endpoint that something answers for, by name."""
    newest_first = (route_tables.c.epoch.desc(), route_tables.c.generation.desc())
    place = func.row_number().over(partition_by=route_tables.c.endpoint, order_by=newest_first)
    ranked = (
        select(route_tables.c.endpoint, route_tables.c.body, place.label("place"))
        .join(endpoints, endpoints.c.name == route_tables.c.endpoint)
        .where(endpoints.c.deleted.is_(False))
        .subquery()
    )
    bodies = tx.execute(select(ranked.c.body).where(ranked.c.place == 1).order_by(ranked.c.endpoint)).scalars()
    tables = (_tables.decode(body) for body in bodies)
    return tuple(table for table in tables if table.variants)


def begin_epoch(tx: Tx) -> None:
    """Publish again, under the current epoch, what an older one left: a restored backup wins over its own future."""
    for table in node_routes(tx):
        if table.epoch < read_epoch(tx):
            publish(tx, table, _rollout_of(tx, table))


def _rollout_of(tx: Tx, table: RouteTable) -> str | None:
    key = (route_tables.c.endpoint, route_tables.c.epoch, route_tables.c.generation)
    mine = (column == value for column, value in zip(key, (table.endpoint, *table.number), strict=True))
    rollout: str | None = tx.execute(select(route_tables.c.rollout).where(*mine)).scalar_one()
    return rollout
