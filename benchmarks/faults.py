"""The faults of the reliability run: what is done to a running instance, and what its users are promised."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from headgate.errors import HeadgateError
from headgate.processes import is_alive
from headgate.testing.instance import Instance, kill, until
from headgate.testing.zoo import Fault as ZooFault

ZOO = "zoo"

Inject = Callable[[Instance], None]
# requests that a fault may fail, given the connections of the load on inline and on hosted models
Allowed = Callable[[int, int], tuple[int, int]]


class Fault(NamedTuple):
    """One row of the fault matrix."""

    name: str
    promise: str
    inject: Inject
    allowed: Allowed = lambda inline, hosted: (0, 0)
    # whether the control plane comes back
    recovers_whole: bool = True
    deploys: bool = False


def end(pid: int) -> None:
    """`kill -9`, until the process is gone."""
    kill(pid)
    until(lambda: not is_alive(pid), f"the end of {pid}")


def kill_one_worker(instance: Instance) -> None:
    end(min(instance.worker_pids()))


def hang_one_worker(instance: Instance) -> None:
    """The agent finds it silent and replaces it."""
    victim = min(instance.worker_pids())
    os.kill(victim, signal.SIGSTOP)
    until(lambda: not is_alive(victim), "the hung worker's end")


def kill_all_hosts(instance: Instance) -> None:
    for pid in instance.host_pids():
        end(pid)


def hang_one_host(instance: Instance) -> None:
    """The agent finds it stopped and replaces it; workers hold its requests meanwhile."""
    victim = min(instance.host_pids())
    os.kill(victim, signal.SIGSTOP)
    until(lambda: not is_alive(victim), "the stopped host's end")


def send_poison(instance: Instance) -> None:
    """Requests to a third model, each of which ends whatever process runs it."""
    with instance.client() as client:
        for _ in range(2):
            with suppress(HeadgateError):
                client.predict(ZOO, [{"fault": float(ZooFault.EXITS), "value": 1.0}])


def kill_control_plane(instance: Instance) -> None:
    end(instance.control_pid)


def replace_agent(instance: Instance) -> None:
    """`kill -9`, then `headgate up` again, which takes the port over."""
    workers = instance.worker_pids()
    end(instance.agent_pid)
    instance.start()
    until(lambda: not any(is_alive(pid) for pid in workers), "the orphans' leave")


def deploy_again(instance: Instance) -> None:
    """The other version of `fraud`, and back."""
    with instance.client() as client:
        for version in ("fraud:2", "fraud:1"):
            client.deploy(version, "fraud")


def deploy_what_cannot_load(instance: Instance) -> None:
    """A version that fails at load, behind the same endpoint as the load's."""
    with instance.client() as client, suppress(HeadgateError):
        client.deploy("scaling:2", "scaling")


def drain_one_worker(instance: Instance) -> None:
    """SIGTERM: it answers what it has, says that it leaves, and goes."""
    victim = min(instance.worker_pids())
    os.kill(victim, signal.SIGTERM)
    until(lambda: not is_alive(victim), "the drained worker's end")


def ruin_database(instance: Instance) -> None:
    """The file cannot be read any more, and the control plane is gone."""
    for suffix in ("", "-wal", "-shm"):
        path = instance.home.database.with_name(instance.home.database.name + suffix)
        if path.exists():
            path.write_bytes(b"no database" * 1000)
    end(instance.control_pid)


FAULTS = (
    Fault("two deployments under load", "nothing fails", deploy_again, deploys=True),
    Fault(
        "a version that cannot load is deployed",
        "nothing fails: the old one answers on",
        deploy_what_cannot_load,
        deploys=True,
    ),
    Fault(
        "a worker is killed (1 of 2)",
        "only its requests in flight fail",
        kill_one_worker,
        lambda inline, hosted: (inline, hosted),
    ),
    Fault(
        "a worker hangs (SIGSTOP)",
        "it is replaced; what it held ends with it",
        hang_one_worker,
        lambda inline, hosted: (inline, hosted),
    ),
    Fault("a worker drains (SIGTERM)", "nothing fails", drain_one_worker),
    Fault("every model host is killed", "nothing fails: another host answers", kill_all_hosts),
    Fault("a model host hangs (SIGSTOP)", "nothing fails: another host answers", hang_one_host),
    Fault("requests that kill their host (another model)", "nothing of the others fails", send_poison),
    Fault("the control plane is killed", "nothing fails", kill_control_plane),
    Fault("the agent is killed and started again", "nothing fails: the port is taken over", replace_agent),
    # last: nothing is deployed after it
    Fault("the database is destroyed, the control plane killed", "nothing fails", ruin_database, recovers_whole=False),
)
