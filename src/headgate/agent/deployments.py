"""From the control plane's newest table of an endpoint to the one on disk: fetch, equip, prove in a host, write, tell.

Every endpoint goes its own way: none waits for another's download, smoke test or failure. Only its newest table counts.
"""

import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial

from headgate.agent.bundles import Bundles
from headgate.agent.environments import Environments
from headgate.agent.hosts import Hosts
from headgate.agent.loop import Loop
from headgate.agent.pace import Backoff
from headgate.agent.tables import Tables
from headgate.agent.trust import Trust
from headgate.agent.usage import hosted
from headgate.errors import HeadgateError, Late, Malformed, ModelError, Refused, Unavailable
from headgate.records import LoadFailure, NodeTables, RouteTable, Variant

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0
# what another try would end in again
FINAL = (ModelError, Refused)

Done = Callable[[HeadgateError | None], None]
Trouble = tuple[Variant, HeadgateError]
Then = Callable[[list[Trouble]], None]


@dataclass(eq=False)
class Deployment:
    """One table on its way to the disk."""

    table: RouteTable
    # whether it was tried once more without a word, because a process was late
    late: bool = False
    backoff: Backoff = field(default_factory=lambda: Backoff(RETRY_SECONDS, LONGEST_RETRY_SECONDS))


class Deployments:
    """All endpoints of the node. `published` is called after every change of what is on disk."""

    def __init__(
        self,
        loop: Loop,
        tables: Tables,
        bundles: Bundles,
        environments: Environments,
        trust: Trust,
        hosts: Hosts,
        place: Callable[[RouteTable], RouteTable],
        published: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._tables = tables
        self._bundles = bundles
        self._environments = environments
        self._trust = trust
        self._hosts = hosts
        # where this node runs a table's versions
        self._place = place
        self._published = published
        self._newest: dict[str, Deployment] = {}
        self._failures: dict[str, LoadFailure] = {}
        # whether a control plane has said anything
        self._heard = False

    @property
    def failures(self) -> dict[str, LoadFailure]:
        """Endpoint → why its newest table is not on disk."""
        return dict(self._failures)

    @property
    def building(self) -> tuple[str, ...]:
        """Endpoints whose newest table waits until an environment is built."""
        return self._waiting_for(self._environments.building)

    @property
    def importing(self) -> tuple[str, ...]:
        """Endpoints whose newest table waits until a framework is imported."""
        return self._waiting_for(self._hosts.importing)

    def digests(self) -> set[str]:
        """Bundles that tables on their way need."""
        return {variant.digest for each in self._newest.values() for variant in each.table.variants}

    def hosted_digests(self) -> set[str]:
        """Those of them that need model hosts."""
        return {digest for each in self._newest.values() for digest in hosted(each.table)}

    def take(self, answer: NodeTables) -> None:
        """What the control plane says now."""
        self._trust.take(answer.signers)
        # a control plane below our epoch runs on an older backup: what it does not know may well be right
        if answer.access.epoch >= self._tables.epoch:
            self._forget({table.endpoint for table in answer.routes})
        for table in answer.routes:
            self._consider(table)
        if self._tables.write_access(answer.access):
            self._published()
        self._heard = True

    def open(self) -> None:
        """Let the workers be ready once all that a first answer named is on disk, or was tried in vain."""
        if self._heard and self._tables.awaited and self._newest.keys() <= self._failures.keys():
            self._tables.first_taken()
            self._published()

    def move(self) -> None:
        """Where versions run has changed: prove them there, then tell the workers."""
        # what answers now comes last and so wins: what is on its way is taken up again with the next answer
        for table in (*(each.table for each in self._newest.values()), *self._tables.routes.values()):
            if self._place(table) != table:
                self._begin(table)

    def restore(self) -> None:
        """After a restart, bring back what the tables on disk need: model hosts, and bundles that were damaged."""
        for table in self._tables.routes.values():
            self._begin(table)

    def _forget(self, named: set[str]) -> None:
        for endpoint in (self._newest.keys() | self._failures.keys()) - named:
            self._newest.pop(endpoint, None)
            self._failures.pop(endpoint, None)
        if gone := self._tables.routes.keys() - named:
            logger.info("endpoints gone: %s", ", ".join(sorted(gone)))
            for endpoint in gone:
                self._tables.remove(endpoint)
            self._published()

    def _consider(self, table: RouteTable) -> None:
        under_way, failed = self._newest.get(table.endpoint), self._failures.get(table.endpoint)
        seen = [under_way.table.number] if under_way else []
        seen += [(failed.epoch, failed.generation)] if failed else []
        wanted = self._tables.is_newer(table) or self._moves(table)
        if wanted and all(table.number > number for number in seen):
            self._begin(table)

    def _moves(self, table: RouteTable) -> bool:
        """Whether the table is on disk, and its versions run elsewhere there than they are to run now."""
        known = self._tables.routes.get(table.endpoint)
        if known is None or known.number != table.number:
            return False
        return _places(known) != _places(self._place(table)) and _places(known).keys() == _places(table).keys()

    def _begin(self, table: RouteTable) -> None:
        self._failures.pop(table.endpoint, None)
        deployment = Deployment(self._place(table))
        self._newest[table.endpoint] = deployment
        self._fetch(deployment)

    def _fetch(self, deployment: Deployment) -> None:
        def step(variant: Variant, done: Done) -> None:
            self._bundles.ensure(variant.digest, done)

        if self._is_newest(deployment):
            _for_each(deployment.table.variants, step, partial(self._fetched, deployment))

    def _fetched(self, deployment: Deployment, troubles: list[Trouble]) -> None:
        if not self._is_newest(deployment):
            return
        if troubles:
            self._retry(deployment, *troubles[0])
        else:
            _for_each(deployment.table.variants, self._equip, partial(self._equipped, deployment))

    def _equip(self, variant: Variant, done: Done) -> None:
        # what answers already goes on: a revocation keeps from loading, and takes nothing away by itself
        refusal = None if variant.digest in self._tables.digests() else self._trust.refusal(variant.digest)
        if refusal is None:
            self._environments.ensure(variant, done)
        else:
            done(refusal)

    def _equipped(self, deployment: Deployment, troubles: list[Trouble]) -> None:
        if troubles:
            self._proved(deployment, troubles)
        elif self._is_newest(deployment):
            _for_each(deployment.table.variants, self._hosts.prove, partial(self._proved, deployment))

    def _proved(self, deployment: Deployment, troubles: list[Trouble]) -> None:
        if not self._is_newest(deployment):
            return
        # a model that fails its golden requests fails them again; a killed host or a broken template may not,
        # and for what is on disk there is nothing to fall back to
        final = [trouble for trouble in troubles if isinstance(trouble[1], FINAL)]
        if final and self._tables.is_newer(deployment.table):
            self._fail(deployment, *final[0])
        elif troubles:
            self._retry(deployment, *troubles[0])
        else:
            self._publish(deployment)

    def _publish(self, deployment: Deployment) -> None:
        table = deployment.table
        try:
            self._tables.write(table)
        except Malformed as error:
            self._fail(deployment, table.variants[0], error)
        except OSError as error:
            trouble = Unavailable(f"Expected to write the table of {table.endpoint}, got: {error}.")
            self._retry(deployment, table.variants[0], trouble)
        else:
            logger.info("endpoint %s: table %d.%d is in force", table.endpoint, *table.number)
            self._failures.pop(table.endpoint, None)
            del self._newest[table.endpoint]
            self._published()

    def _waiting_for(self, digests: AbstractSet[str]) -> tuple[str, ...]:
        waiting = (each.table for each in self._newest.values())
        return tuple(sorted(table.endpoint for table in waiting if digests & {each.digest for each in table.variants}))

    def _retry(self, deployment: Deployment, variant: Variant, trouble: HeadgateError) -> None:
        # a machine that was too busy once may not be the next time
        if isinstance(trouble, Late) and not deployment.late:
            deployment.late = True
        else:
            self._note(deployment, variant, trouble)
        self._loop.after(deployment.backoff.ended(), partial(self._fetch, deployment))

    def _fail(self, deployment: Deployment, variant: Variant, trouble: HeadgateError) -> None:
        self._note(deployment, variant, trouble)
        del self._newest[deployment.table.endpoint]

    def _note(self, deployment: Deployment, variant: Variant, trouble: HeadgateError) -> None:
        epoch, generation = deployment.table.number
        logger.warning("endpoint %s: %s cannot be deployed: %s", deployment.table.endpoint, variant.version, trouble)
        self._failures[deployment.table.endpoint] = LoadFailure(
            epoch=epoch, generation=generation, version=variant.version, reason=trouble.message
        )

    def _is_newest(self, deployment: Deployment) -> bool:
        return self._newest.get(deployment.table.endpoint) is deployment


def _places(table: RouteTable) -> dict[tuple[str, str], str]:
    return {(variant.digest, variant.form): variant.placement for variant in table.variants}


def _for_each(variants: Sequence[Variant], step: Callable[[Variant, Done], None], then: Then) -> None:
    """Take the step for all variants at once, then go on with what went wrong."""
    left = list(variants)
    troubles: list[Trouble] = []

    def done(variant: Variant, trouble: HeadgateError | None) -> None:
        left.remove(variant)
        if trouble is not None:
            troubles.append((variant, trouble))
        if not left:
            then(troubles)

    if not left:
        then(troubles)
    for variant in variants:
        step(variant, partial(done, variant))
