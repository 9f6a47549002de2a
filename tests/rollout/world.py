"""Everything around rollouts for tests: models, a controller that is stepped by hand, and a fake node."""

import msgspec

from headgate.bundle.manifest import Environment, Form, Manifest, digest_of
from headgate.records import Column, LoadFailure, NodeReport, RouteTable, Signature, WorkerReport
from headgate.registry.versions import register
from headgate.rollout.controller import Controller
from headgate.rollout.deployments import Deployment, deploy, roll_back
from headgate.rollout.nodes import Nodes
from headgate.rollout.publishing import newest_table, node_routes
from headgate.rollout.rollouts import Rollout, rollouts_of
from headgate.storage.database import Database
from headgate.storage.stores import StoredArtifact
from headgate.testing.clock import FakeClock

LOAD_SECONDS = 10.0


def manifest(number: int, *inputs: Column) -> Manifest:
    """A manifest that differs from that of any other number."""
    columns = inputs or (Column(name="age", dtype="float64"),)
    return Manifest(
        name="fraud",
        framework="onnx",
        task="regression",
        signature=Signature(inputs=columns, outputs=(Column(name="predictions", dtype="float64"),)),
        forms={"onnx": Form(runtime="onnx", path="model.onnx")},
        serves="onnx",
        metrics={"number": float(number)},
        environment=Environment(python="3.11"),
        files={},
    )


class World:
    """Everything around the rollouts of one instance."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database = database
        self.clock = clock
        self.nodes = Nodes(clock)
        self.controller = Controller(database, self.nodes, clock, LOAD_SECONDS)
        self.node = FakeNode(self)

    def register(self, number: int, *inputs: Column) -> str:
        made = manifest(number, *inputs)
        artifact = StoredArtifact(digest="a" * 64, size=1)
        with self.database.write() as tx:
            return register(tx, digest_of(made), made, artifact, actor="ann").version

    def deploy(self, version: str, endpoint: str = "fraud", **fields: object) -> Rollout:
        wish = msgspec.convert({"version": version, "endpoint": endpoint, **fields}, Deployment)
        with self.database.write() as tx:
            return deploy(tx, wish, "ann")

    def roll_back(self, endpoint: str = "fraud", reason: str = "worse") -> Rollout:
        with self.database.write() as tx:
            return roll_back(tx, endpoint, "ben", reason)

    def look(self, rollout: Rollout) -> Rollout:
        with self.database.read() as tx:
            return next(each for each in rollouts_of(tx, rollout.endpoint) if each.id == rollout.id)

    def table(self, endpoint: str = "fraud") -> RouteTable:
        with self.database.read() as tx:
            table = newest_table(tx, endpoint)
        assert table is not None
        return table

    def promote(self, version: str, endpoint: str = "fraud", **fields: object) -> Rollout:
        """Deploy and bring it to its end with a node that takes everything."""
        rollout = self.deploy(version, endpoint, **fields)
        self.controller.step()
        self.node.take()
        self.controller.step()
        rollout = self.look(rollout)
        assert rollout.state == "promoted"
        return rollout


class FakeNode:
    """A node that takes tables, or does not, when it is told to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.workers = ["w0", "w1"]
        self.generations: dict[str, dict[str, tuple[int, int]]] = {}
        self.failures: dict[str, LoadFailure] = {}
        self.building: tuple[str, ...] = ()
        self.importing: tuple[str, ...] = ()

    def take(self, *workers: str) -> None:
        """These workers (or all) take what is published, and the node reports."""
        with self._world.database.read() as tx:
            numbers = {table.endpoint: table.number for table in node_routes(tx)}
        for worker in workers or self.workers:
            self.generations[worker] = numbers
        self.report()

    def fail(self, endpoint: str = "fraud", reason: str = "it does not load") -> None:
        """The newest table could not be taken."""
        table = self._world.table(endpoint)
        failure = LoadFailure(
            epoch=table.epoch, generation=table.generation, version=table.variants[0].version, reason=reason
        )
        self.failures = {endpoint: failure}
        self.report()

    def report(self) -> None:
        workers = tuple(
            WorkerReport(worker=name, pid=1, ready=True, generations=self.generations.get(name, {}))
            for name in self.workers
        )
        report = NodeReport(
            node="here",
            agent_pid=1,
            port=8000,
            workers=workers,
            failures=self.failures,
            building=self.building,
            importing=self.importing,
        )
        self._world.nodes.hear(report)
