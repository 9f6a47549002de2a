"""The node's workers: as many as wanted, the dead and the hung replaced, the old drained when the new are ready."""

import logging
import secrets
import signal
from collections.abc import Callable
from functools import partial

from headgate.agent.launcher import Launcher, Programs
from headgate.agent.links import WorkerLink
from headgate.agent.logs import last_words, log_size
from headgate.agent.loop import Loop
from headgate.agent.metrics import AgentMetrics
from headgate.agent.pace import Backoff
from headgate.agent.process import Process
from headgate.agent.tables import Tables
from headgate.agent.worker import Worker, start_patience
from headgate.crashes import SUFFIX, read_calls
from headgate.errors import HeadgateError
from headgate.records import LoadFailure, Refresh, WorkerReport

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 0.02


class Workers:
    """All workers. `changed` is called when one has something new to say, and when one is gone; `blame`, when one has
    crashed, with the digests of what was in call.
    """

    def __init__(
        self,
        loop: Loop,
        launcher: Launcher,
        programs: Programs,
        tables: Tables,
        listener: int,
        metrics: AgentMetrics,
        changed: Callable[[], None],
        blame: Callable[[frozenset[str]], None] = lambda digests: None,
    ) -> None:
        self._loop = loop
        self._launcher = launcher
        self._home = launcher.home
        self._settings = launcher.settings
        self._programs = programs
        self._tables = tables
        self._listener = listener
        self._metrics = metrics
        self._changed = changed
        self._blame = blame
        self._all: list[Worker] = []
        # slot → the worker that is meant to stay; whoever is not in here leaves when others are ready
        self._staying: dict[int, Worker] = {}
        self._backoffs: dict[int, Backoff] = {}
        self._troubles: dict[int, str] = {}
        # slot → how many of its workers in a row were ended before they had said anything
        self._silent: dict[int, int] = {}
        self._stopping = False
        self._judged = loop.now()

    @property
    def ready(self) -> bool:
        """Whether every wanted worker answers for every endpoint on disk."""
        return self._count(Worker.is_ready) == self._settings.workers

    @property
    def troubles(self) -> dict[int, str]:
        """Slot → how its last worker ended, until the next one is ready."""
        return dict(self._troubles)

    @property
    def gone(self) -> bool:
        return not self._all

    def reports(self) -> list[WorkerReport | None]:
        """What every living worker says; None for one that has not said anything yet."""
        return [worker.relayed() for worker in self._all]

    def start(self) -> None:
        for slot in range(self._settings.workers):
            self._backoffs[slot] = Backoff()
            self._spawn(slot)

    def adopt(self, name: str, process: Process) -> None:
        """Watch an orphan, until our own workers answer and it can be drained."""
        self._take(name, process, None)

    def failures(self) -> dict[str, LoadFailure]:
        """Endpoint → why a worker does not answer by its newest table."""
        found: dict[str, LoadFailure] = {}
        for worker in self._all:
            if worker.report is not None and not worker.leaving:
                found |= worker.report.failures
        return found

    def refresh(self) -> None:
        """Tell all workers that there is something new on disk."""
        for worker in self._all:
            worker.link.send(Refresh())

    def judge(self) -> None:
        """Once a moment: who is silent, who is stuck, who should have left."""
        now = self._loop.now()
        # an agent that stood still itself (SIGSTOP, swapping) has not listened
        if now - self._judged > self._settings.hang_seconds / 2:
            for worker in self._all:
                worker.heard = now
        self._judged = now
        for worker in list(self._all):
            self._judge_one(worker, now)
        self._drain_surplus()

    def stop(self) -> None:
        """Drain all; none comes back."""
        self._stopping = True
        for worker in self._all:
            worker.drain(self._loop.now(), self._settings)

    def kill(self) -> None:
        for worker in self._all:
            worker.process.send(signal.SIGKILL)

    def _judge_one(self, worker: Worker, now: float) -> None:
        if worker.leaving and now > worker.leave_by:
            logger.warning("worker %s has not left after being told to drain; it is killed", worker.name)
            worker.process.send(signal.SIGKILL)
        elif worker.is_silent(now, self._settings.hang_seconds):
            logger.warning("worker %s is silent; it is killed", worker.name)
            worker.hung = True
            worker.process.send(signal.SIGKILL)
        elif not worker.link.connected and not worker.knocking:
            self._connect(worker)
        elif not self._stopping and self._is_staying(worker) and worker.is_stuck(self._tables, now, self._settings):
            logger.warning("worker %s does not take a table (%s); it is replaced", worker.name, ", ".join(worker.lags))
            assert worker.slot is not None
            self._spawn(worker.slot)

    def _is_staying(self, worker: Worker) -> bool:
        return worker.slot is not None and self._staying.get(worker.slot) is worker

    def _spawn(self, slot: int) -> None:
        """Start the slot's next worker; one that is still there becomes surplus."""
        if self._stopping:
            return
        log = f"worker-{slot}"
        log_start = log_size(self._home, log)
        name = f"w{slot}-{secrets.token_hex(4)}"
        flags = ("--worker", name, "--listen-fd", str(self._listener))
        try:
            process = self._launcher.start(log, (*self._programs.worker, *flags), descriptors=(self._listener,))
        except HeadgateError as error:
            logger.error("%s", error)
            self._troubles[slot] = error.message
            self._loop.after(self._backoffs[slot].ended(), partial(self._spawn, slot))
            return
        self._metrics.worker_started()
        worker = self._staying[slot] = self._take(name, process, slot, log_start)
        worker.patience = start_patience(self._silent.get(slot, 0))

    def _take(self, name: str, process: Process, slot: int | None, log_start: int = 0) -> Worker:
        link = WorkerLink(self._loop, self._home.run / f"{name}.sock", lambda report: self._heard(worker, report))
        worker = Worker(name, process, link, self._loop.now(), slot, log_start)
        self._all.append(worker)
        self._loop.watch(process, lambda: self._ended(worker))
        self._connect(worker)
        return worker

    def _connect(self, worker: Worker) -> None:
        worker.knocking = False
        if worker not in self._all or worker.link.connected:
            return
        if not worker.link.connect():
            worker.knocking = True
            self._loop.after(CONNECT_SECONDS, partial(self._connect, worker))
            return
        # it may have read the disk before the last change of it
        worker.link.send(Refresh())
        if worker.leaving:
            worker.drain(self._loop.now(), self._settings)

    def _heard(self, worker: Worker, report: WorkerReport) -> None:
        news = worker.hear(report, self._loop.now())
        if not worker.has_settled and worker.is_settled(self._tables):
            worker.has_settled = True
            logger.info("worker %s (pid %d) answers", worker.name, worker.process.pid)
            if worker.slot is not None:
                self._troubles.pop(worker.slot, None)
        if news:
            self._drain_surplus()
            self._changed()

    def _count(self, condition: Callable[[Worker, Tables], bool]) -> int:
        """How many of those that stay fulfil it."""
        return sum(condition(worker, self._tables) for worker in self._staying.values())

    def _drain_surplus(self) -> None:
        """Drain replaced workers once another is ready, and orphans once all of ours are: no request finds none."""
        settled = self._count(Worker.is_settled)
        for worker in self._all:
            may_leave = settled >= (self._settings.workers if worker.slot is None else 1)
            if may_leave and not worker.leaving and not self._is_staying(worker):
                logger.info("worker %s (pid %d) is drained", worker.name, worker.process.pid)
                worker.drain(self._loop.now(), self._settings)

    def _ended(self, worker: Worker) -> None:
        self._loop.forget(worker.process)
        worker.link.close()
        self._all.remove(worker)
        how = worker.process.reap()
        worker.process.close()
        calls = read_calls(self._home.run / f"{worker.name}.{SUFFIX}")
        for suffix in ("json", "sock", SUFFIX):
            (self._home.run / f"{worker.name}.{suffix}").unlink(missing_ok=True)
        if worker.slot is not None and self._is_staying(worker):
            del self._staying[worker.slot]
            if not self._stopping:
                self._replace_dead(worker, worker.slot, how)
        if calls and _crashed(worker):
            self._blame(calls)
        self._changed()

    def _replace_dead(self, worker: Worker, slot: int, how: str) -> None:
        self._metrics.worker_crashed()
        words = last_words(self._home, f"worker-{slot}", worker.log_start)
        unheard = worker.report is None
        self._silent[slot] = self._silent.get(slot, 0) + 1 if unheard and worker.hung else 0
        pause = self._backoffs[slot].ended(0.0 if unheard else self._loop.now() - worker.began)
        self._troubles[slot] = f"ended with {how}: {words}" if words else f"ended with {how}"
        logger.warning("worker %s %s; another in %.1f s", worker.name, self._troubles[slot], pause)
        self._loop.after(pause, partial(self._spawn, slot))


def _crashed(worker: Worker) -> bool:
    """Whether it may have ended by what it was calling: a signal from outside is nobody's fault."""
    status = worker.process.status
    return worker.hung or (status is not None and status not in (0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT))
