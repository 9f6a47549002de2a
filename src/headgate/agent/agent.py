"""The agent of one node: its parts, and what passes between them. All of it runs in the loop's thread."""

import logging
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime

from headgate.agent.bundles import Bundles
from headgate.agent.control_api import ControlApi
from headgate.agent.control_link import ControlLink
from headgate.agent.control_process import ControlProcess
from headgate.agent.crashes import Crashes
from headgate.agent.deployments import Deployments
from headgate.agent.environments import Environments
from headgate.agent.hosts import Hosts
from headgate.agent.journal import Journal, write_journal
from headgate.agent.launcher import Launcher, Programs
from headgate.agent.logs import cut_logs
from headgate.agent.loop import Loop
from headgate.agent.metrics import AgentMetrics
from headgate.agent.orphans import Orphan, adopt_hosts, end_control, sweep
from headgate.agent.port import port_of
from headgate.agent.tables import Tables
from headgate.agent.trust import Trust
from headgate.agent.usage import HostUse
from headgate.agent.worker import longest_drain
from headgate.agent.workers import Workers
from headgate.records import LoadFailure, NodeReport, NodeTables, Variant

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 1.0
WATCH_SECONDS = 0.25
PRUNE_SECONDS = 3600.0
LONGEST_HEARTBEAT = 1.0
STOP_POLL_SECONDS = 0.05
STOP_GRACE_SECONDS = 5.0


class Agent:
    """Keeps workers, hosts and (where it is asked to) the control plane of one node going."""

    def __init__(self, loop: Loop, launcher: Launcher, programs: Programs, listener: socket.socket, control: bool):
        self._loop = loop
        self._home = launcher.home
        self._settings = launcher.settings
        self._listener = listener
        self._port = port_of(listener)
        self._programs = programs
        self._tables = Tables(launcher.home)
        self._crashes = Crashes(launcher.home)
        self._metrics = AgentMetrics(launcher.home)
        self._hosts = Hosts(loop, launcher, programs, self._metrics, self._report, self._host_crashed)
        self._api = ControlApi(launcher.home)
        self._bundles = Bundles(loop, launcher.home, self._api.bundle, self._needed_bundles, launcher.settings)
        trust = Trust(launcher.home)
        self._environments = Environments(
            loop, launcher.home, launcher.settings, trust.require_signed, self._needed_bundles
        )
        self._deployments = Deployments(
            loop,
            self._tables,
            self._bundles,
            self._environments,
            trust,
            self._hosts,
            self._crashes.place,
            self._published,
        )
        self._workers = Workers(
            loop,
            launcher,
            programs,
            self._tables,
            listener.fileno(),
            self._metrics,
            self._report,
            self._worker_crashed,
        )
        self._link = ControlLink(loop, self._api, self._take, self._reached)
        self._control = ControlProcess(loop, launcher, programs, self._api.is_silent) if control else None
        self._use = HostUse()
        self._journal: Journal | None = None
        self._started = datetime.now(UTC).isoformat()
        self._stopping = False

    def start(self, orphans: list[Orphan]) -> None:
        """Start and adopt everything. The data plane comes first: it needs nothing but the disk."""
        sweep(self._home, orphans)
        self._bundles.sweep()
        self._environments.sweep()
        for table in self._tables.routes.values():
            self._hosts.trust(table.variants)
            self._use.learn(table)
        if self._control is not None or self._home.credentials.exists():
            self._tables.await_first()
        self._workers.start()
        for orphan in orphans:
            self._workers.adopt(orphan.name, orphan.process)
        adopt_hosts(self._home, self._programs, self._hosts)
        self._deployments.restore()
        if self._control is not None:
            end_control(self._home, self._programs)
            self._control.start()
            self._await(lambda: self._control is not None and self._control.announced, self._link.start)
        elif self._home.credentials.exists():
            self._link.start()
        self._keep_time()

    def stop(self) -> None:
        """Drain and stop everything, then end the loop; called again, kill what is left."""
        if self._stopping:
            self._kill()
            return
        logger.info("stopping")
        self._stopping = True
        # the workers close theirs as they drain; from then on a client is refused, not left waiting
        self._listener.close()
        self._link.stop()
        self._workers.stop()
        if self._control is not None:
            self._control.stop()
        self._loop.after(longest_drain(self._settings) + STOP_GRACE_SECONDS, self._kill)
        self._await(lambda: self._workers.gone, self._stop_hosts)

    def _stop_hosts(self) -> None:
        self._hosts.stop()
        self._await(lambda: self._hosts.gone and (self._control is None or self._control.gone), self._loop.stop)

    def _await(self, condition: Callable[[], bool], then: Callable[[], None]) -> None:
        if condition():
            then()
        else:
            self._loop.after(STOP_POLL_SECONDS, lambda: self._await(condition, then))

    def _kill(self) -> None:
        self._workers.kill()
        self._hosts.kill()
        if self._control is not None:
            self._control.kill()

    def _keep_time(self) -> None:
        heartbeat = min(self._settings.heartbeat_seconds, LONGEST_HEARTBEAT)
        self._loop.every(min(heartbeat, self._settings.hang_seconds / 4), self._workers.judge)
        self._loop.every(heartbeat, self._report)
        self._loop.every(SETTLE_SECONDS, self._settle)
        self._loop.every(WATCH_SECONDS, self._hosts.watch)
        self._loop.every(PRUNE_SECONDS, self._environments.prune)

    def _take(self, answer: NodeTables) -> None:
        if not self._stopping:
            self._deployments.take(answer)
            self._report()

    def _reached(self) -> None:
        if self._control is not None:
            self._control.trouble = ""

    def _published(self) -> None:
        """Something on disk is new."""
        for table in self._tables.routes.values():
            self._use.learn(table)
        self._workers.refresh()
        self._environments.prune()
        self._report()

    def _worker_crashed(self, digests: frozenset[str]) -> None:
        if self._crashes.worker_ended(self._variant(digest) for digest in digests):
            self._deployments.move()

    def _host_crashed(self, digest: str) -> None:
        self._crashes.host_ended(self._variant(digest))

    def _variant(self, digest: str) -> Variant:
        """What a table calls the bundle; a name of its own where none does any more."""
        known = [variant for table in self._tables.routes.values() for variant in table.variants]
        unknown = Variant(version=digest[:12], digest=digest)
        return next((variant for variant in known if variant.digest == digest), unknown)

    def _settle(self) -> None:
        """Stop hosts that nobody needs, keep the logs short."""
        if self._stopping:
            return
        needed = self._needed_hosts()
        if needed is not None:
            self._hosts.settle(needed | self._deployments.hosted_digests())
        self._bundles.prune()
        cut_logs(self._home)

    def _needed_hosts(self) -> set[str] | None:
        return self._use.needed(self._tables.routes.values(), self._workers.reports(), self._loop.now())

    def _needed_bundles(self) -> set[str] | None:
        hosted = self._needed_hosts()
        if hosted is None:
            return None
        return hosted | self._tables.digests() | self._tables.previous_digests() | self._deployments.digests()

    def _report(self) -> None:
        """Tell the control plane, and the disk, how the node is."""
        self._deployments.open()
        report = NodeReport(
            node=socket.gethostname(),
            agent_pid=os.getpid(),
            port=self._port,
            grpc_port=self._settings.grpc_port,
            workers=tuple(report for report in self._workers.reports() if report is not None),
            hosts=self._hosts.reports(),
            failures=self._failed_hosts() | self._deployments.failures,
            crashes=self._crashes.counts(),
            building=self._deployments.building,
            importing=self._deployments.importing,
        )
        self._link.report(report)
        self._metrics.hosts(report.hosts)
        self._note(report)

    def _failed_hosts(self) -> dict[str, LoadFailure]:
        """Endpoint → why a version that it needs counts as failed."""
        failed = self._hosts.failed()
        return {
            endpoint: LoadFailure(
                epoch=table.epoch, generation=table.generation, version=variant.version, reason=trouble.message
            )
            for endpoint, table in self._tables.routes.items()
            for variant in table.variants
            if variant.placement == "host" and (trouble := failed.get(variant.digest))
        }

    def _note(self, report: NodeReport) -> None:
        control = self._control
        journal = Journal(
            pid=report.agent_pid,
            port=report.port,
            host=self._settings.host,
            scheme=self._settings.scheme,
            started=self._started,
            control_port=self._settings.control_port if control else None,
            grpc_port=report.grpc_port,
            ready=self._workers.ready,
            control_pid=control.pid if control else None,
            control_restarts=control.restarts if control else 0,
            control_trouble=control.trouble if control else "",
            link_trouble=self._link.trouble,
            worker_troubles={str(slot): text for slot, text in self._workers.troubles.items()},
            hosts=report.hosts,
            crashes=report.crashes,
            failures=self._workers.failures() | report.failures,
        )
        if journal != self._journal and not self._stopping:
            self._journal = journal
            write_journal(self._home, journal)
