"""The loop that moves rollouts: look at what runs and what the nodes say, decide, write, publish."""

import logging

import msgspec

from headgate.clock import Clock
from headgate.errors import Conflict, Corrupt, HeadgateError, NotFound, Refused, Unavailable
from headgate.records import NodeReport, RouteTable
from headgate.rollout.bell import Bell
from headgate.rollout.decisions import Decision, decide
from headgate.rollout.deployments import evidence_of, publish_candidate, publish_previous
from headgate.rollout.lifecycle import Order
from headgate.rollout.nodes import Nodes, Observation, observe
from headgate.rollout.publishing import newest_table
from headgate.rollout.rollouts import Rollout, active_rollouts, advance, note_spent
from headgate.storage.database import Database, Tx

log = logging.getLogger(__name__)

ACTOR = "controller"
# between two looks when nobody rings
PAUSE_SECONDS = 0.5
# loading is bounded by the node; this is for fetching before and reporting after
MARGIN_SECONDS = 15.0
# a process that was stopped for longer did not watch: that time does not count
LONGEST_TICK_SECONDS = 5.0


class Controller:
    """Steps every rollout that is under way. Any number may run: a decision on outdated state is refused."""

    def __init__(self, database: Database, nodes: Nodes, clock: Clock, load_seconds: float) -> None:
        self._database = database
        self._nodes = nodes
        self._clock = clock
        self._allowed = load_seconds + MARGIN_SECONDS
        self._watches: dict[str, Watch] = {}

    def run(self, bell: Bell) -> None:
        """Step until the bell is closed; woken by it, and otherwise twice a second."""
        lost = False
        while not bell.closed:
            seen = bell.rings
            try:
                self.step()
                if lost:
                    log.info("the database is back: the rollouts go on")
                lost = False
            except Unavailable as error:
                # said once: this may last
                if not lost:
                    log.error("the rollouts stand still until the database is back: %s", error.message)
                lost = True
            except HeadgateError:
                log.exception("the rollouts could not be looked at; trying again in %s s", PAUSE_SECONDS)
            bell.wait(seen, PAUSE_SECONDS)

    def step(self) -> None:
        """Look once at every rollout and move those that can be moved; one never waits for another."""
        with self._database.read() as tx:
            running = [(rollout, newest_table(tx, rollout.endpoint)) for rollout in active_rollouts(tx)]
        reports = self._nodes.reports()
        self._watches = {
            rollout.id: self._watches.get(rollout.id) or Watch(rollout, self._clock) for rollout, _ in running
        }
        for rollout, table in running:
            try:
                self._look(rollout, table, reports)
            except Conflict as error:
                log.info("%s: %s", rollout.id, error.message)
            except Unavailable as error:
                log.warning("%s cannot be moved: %s", rollout.id, error.message)
            except HeadgateError:
                log.exception("%s cannot be moved", rollout.id)

    def _look(self, rollout: Rollout, table: RouteTable | None, reports: tuple[NodeReport, ...]) -> None:
        seen = _observed(rollout, table, reports)
        spent = self._watches[rollout.id].spent(rollout, counts=not seen.preparing)
        decision = decide(rollout, seen, spent, self._allowed)
        # written once a second, so that a restart does not begin the deadline anew
        if decision is None and spent - rollout.spent < 1.0:
            return
        with self._database.write() as tx:
            if decision is not None:
                carry_out(tx, rollout, decision)
            else:
                note_spent(tx, rollout, spent)


class Watch:
    """How long a rollout has been watched in its state: monotonic, over restarts, without the time nobody watched."""

    def __init__(self, rollout: Rollout, clock: Clock) -> None:
        self._clock = clock
        self._state = rollout.state
        self._spent = rollout.spent
        self._last = clock.monotonic()

    def spent(self, rollout: Rollout, *, counts: bool = True) -> float:
        """Seconds up to now; `counts` says whether those since the last look are among them."""
        moment = self._clock.monotonic()
        if rollout.state != self._state:
            self._state, self._spent = rollout.state, 0.0
        elif counts:
            self._spent += min(moment - self._last, LONGEST_TICK_SECONDS)
        self._last = moment
        return self._spent


def carry_out(tx: Tx, rollout: Rollout, decision: Decision) -> Rollout:
    """Give the orders of a decision and publish what belongs to it, in the caller's transaction.

    Raises `Conflict` when the rollout was moved since it was read.
    """
    if decision.publication == "candidate":
        return _start(tx, rollout, decision)
    for place, trigger in enumerate(decision.triggers):
        evidence = decision.evidence if place == 0 else ()
        rollout = advance(tx, rollout, Order(trigger=trigger, actor=ACTOR, reason=decision.reason), evidence)
    if decision.publication == "previous":
        publish_previous(tx, rollout)
    return rollout


def _start(tx: Tx, rollout: Rollout, decision: Decision) -> Rollout:
    try:
        table, verdicts = publish_candidate(tx, rollout)
    except (Refused, Corrupt, NotFound) as error:
        return advance(tx, rollout, Order(trigger="fail", actor=ACTOR, reason=error.message))
    number = {"kind": "table", "epoch": table.epoch, "generation": table.generation}
    evidence = (number, *(evidence_of(verdict) for verdict in verdicts))
    fresh = msgspec.structs.replace(rollout, evidence=())
    return advance(tx, fresh, Order(trigger="publish", actor=ACTOR, reason=decision.reason), evidence)


def _observed(rollout: Rollout, table: RouteTable | None, reports: tuple[NodeReport, ...]) -> Observation:
    if table is None:
        return Observation(living=(), acknowledged=(), failures=())
    seen = observe(reports, rollout.endpoint, table.number)
    # nobody acknowledges an endpoint that is taken away
    return seen if table.variants else msgspec.structs.replace(seen, acknowledged=seen.living, failures=())
