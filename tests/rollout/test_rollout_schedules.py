"""Any sequence of orders, reports, restarts and time: what the controller promises holds throughout.

The invariants are those of a history checked from outside: one active rollout per endpoint, numbers that only grow,
nothing live that was not acknowledged, nothing back that was taken back, one event per move.
"""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.rollout.world import LOAD_SECONDS, World

from headgate.errors import Conflict, Refused
from headgate.ledger.chain import verify_ledger
from headgate.ledger.events import list_events, open_ledger
from headgate.rollout.controller import Controller
from headgate.rollout.endpoints import delete_endpoint, live_now
from headgate.rollout.nodes import Nodes
from headgate.rollout.publishing import begin_epoch, tables_of
from headgate.rollout.rollouts import rollouts_of
from headgate.storage.database import open_database, sqlite_url
from headgate.storage.instance import raise_epoch
from headgate.storage.migrating import migrate
from headgate.testing.clock import FakeClock

ENDPOINTS = ("one", "two")
endpoints = st.sampled_from(ENDPOINTS)


class Schedules(RuleBasedStateMachine):
    """Operators, two controllers, a node and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        # in memory where that is possible: these histories are not meant to outlive the machine
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="headgate-schedules-", dir=memory))
        clock = FakeClock()
        database = open_database(sqlite_url(self.folder / "headgate.db"), clock)
        migrate(database)
        open_ledger(database, self.folder / "keys")
        self.world = World(database, clock)
        self.other = Controller(database, self.world.nodes, clock, LOAD_SECONDS)
        self.acknowledged: set[tuple[str, tuple[int, int]]] = set()
        self.returned: set[str] = set()
        self.highest: dict[str, tuple[int, int]] = {}

    @initialize()
    def register(self) -> None:
        self.versions = [self.world.register(number) for number in (1, 2, 3)]

    @rule(endpoint=endpoints, number=st.integers(0, 2))
    def deploy(self, endpoint: str, number: int) -> None:
        try:
            self.world.deploy(self.versions[number], endpoint)
        except (Conflict, Refused) as refusal:
            assert "on its way" in refusal.message

    @rule(endpoint=endpoints)
    def roll_back(self, endpoint: str) -> None:
        try:
            self.returned.add(self.world.roll_back(endpoint).id)
        except Exception as refusal:
            if not _is_refusal(refusal):
                raise

    @rule(endpoint=endpoints)
    def delete(self, endpoint: str) -> None:
        try:
            with self.world.database.write() as tx:
                delete_endpoint(tx, endpoint, "ann", "unused")
        except Exception as refusal:
            if not _is_refusal(refusal):
                raise

    @rule(which=st.booleans())
    def step(self, which: bool) -> None:
        (self.world.controller if which else self.other).step()

    @rule(workers=st.sampled_from([("w0",), ("w1",), ("w0", "w1")]))
    def take(self, workers: tuple[str, ...]) -> None:
        self.world.node.take(*workers)
        self._note()

    @rule(endpoint=endpoints)
    def fail(self, endpoint: str) -> None:
        with self.world.database.read() as tx:
            tables = tables_of(tx, endpoint)
        if tables and tables[-1].table.variants:
            self.world.node.fail(endpoint)

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule()
    def restart(self) -> None:
        world = self.world
        world.nodes = Nodes(world.clock)
        world.controller = Controller(world.database, world.nodes, world.clock, LOAD_SECONDS)
        self.other = Controller(world.database, world.nodes, world.clock, LOAD_SECONDS)

    @rule()
    def restore(self) -> None:
        with self.world.database.write() as tx:
            raise_epoch(tx)
            begin_epoch(tx)

    def _note(self) -> None:
        """What both workers answer with now has been acknowledged."""
        for endpoint in ENDPOINTS:
            taken = [self.world.node.generations.get(name, {}).get(endpoint) for name in self.world.node.workers]
            if taken[0] is not None and taken[0] == taken[1]:
                self.acknowledged.add((endpoint, taken[0]))

    @invariant()
    def there_is_one_active_rollout_at_most(self) -> None:
        with self.world.database.read() as tx:
            for endpoint in ENDPOINTS:
                assert sum(not rollout.terminal for rollout in rollouts_of(tx, endpoint)) <= 1

    @invariant()
    def numbers_only_grow(self) -> None:
        with self.world.database.read() as tx:
            for endpoint in ENDPOINTS:
                numbers = [published.table.number for published in tables_of(tx, endpoint)]
                generations = [number[1] for number in numbers]
                assert numbers == sorted(set(numbers))
                assert generations == list(range(1, len(generations) + 1))

    @invariant()
    def what_is_live_was_acknowledged_by_all(self) -> None:
        with self.world.database.read() as tx:
            for endpoint in ENDPOINTS:
                live = live_now(tx, endpoint)
                if live is None:
                    continue
                same = {
                    published.table.number
                    for published in tables_of(tx, endpoint)
                    if published.table.variants == live.table.variants
                }
                assert any((endpoint, number) in self.acknowledged for number in same)

    @invariant()
    def what_was_taken_back_is_not_promoted_again(self) -> None:
        with self.world.database.read() as tx:
            for endpoint in ENDPOINTS:
                for rollout in rollouts_of(tx, endpoint):
                    if rollout.id in self.returned:
                        assert rollout.state in ("rolling_back", "rolled_back", "failed")

    @invariant()
    def every_move_is_one_event(self) -> None:
        with self.world.database.read() as tx:
            for endpoint in ENDPOINTS:
                moves = sum(len(rollout.steps) for rollout in rollouts_of(tx, endpoint))
                told = list_events(tx, limit=1000, object=f"endpoint:{endpoint}").items
                assert moves == sum(event.verb.startswith("rollout.") for event in told)

    def teardown(self) -> None:
        assert verify_ledger(self.world.database).ok
        self.world.database.close()
        shutil.rmtree(self.folder)


def _is_refusal(error: Exception) -> bool:
    return type(error).__name__ in ("Refused", "NotFound")


Schedules.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSchedules = Schedules.TestCase
