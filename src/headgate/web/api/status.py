"""What runs: for people, for probes and for Prometheus."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from headgate import __version__
from headgate.ledger.events import read_head
from headgate.records import CrashCount, HostReport, NodeReport, WorkerReport
from headgate.registry.versions import count_versions
from headgate.rollout.endpoints import Endpoint, count_endpoints, every_endpoint, standing
from headgate.rollout.rollouts import active_rollouts, count_by_state
from headgate.storage.database import Tx
from headgate.web.api.guards import Who, guard, guarded
from headgate.web.api.plane import ControlPlane, Plane
from headgate.web.api.shapes import Shape

router = guarded("status")
# probes and metrics stand beside the API, behind the same guard
rooted = APIRouter(tags=["status"], dependencies=[Depends(guard)])

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class ControlShape(Shape):
    pid: int
    url: str
    certificate_fault: str = Field("", description="Why the TLS certificate in place is not in force.")


class AgentShape(Shape):
    pid: int


class DataShape(Shape):
    url: str


class WorkerShape(Shape):
    worker: str
    pid: int
    generation: int = Field(description="The highest generation of any endpoint that it answers with.")
    ready: bool
    draining: bool
    connections: int
    in_flight: int
    requests: int
    certificate_fault: str = Field("", description="Why the TLS certificate in place is not in force.")
    generations: dict[str, tuple[int, int]] = Field(description="Endpoint to epoch and generation.")


class HostShape(Shape):
    digest: str
    pid: int
    ready: bool
    restarts: int
    python: str = Field(description="Interpreter of its own environment; empty where it runs in Headgate's.")


class CrashShape(Shape):
    version: str
    digest: str
    workers: int = Field(description="Workers that ended while they ran it.")
    hosts: int


class EndpointState(Shape):
    endpoint: str
    version: str | None
    state: str


class StatusShape(Shape):
    version: str = Field(description="Release of Headgate.")
    home: str
    control: ControlShape
    agent: AgentShape | None = Field(description="null while no node reports.")
    data: DataShape
    workers: list[WorkerShape]
    hosts: list[HostShape]
    crashes: list[CrashShape]
    endpoints: list[EndpointState]
    building: list[str] = Field(description="Endpoints whose newest version waits until its environment is built.")


class HealthShape(Shape):
    status: str = Field(examples=["ok"])


def _worker(report: WorkerReport) -> WorkerShape:
    return WorkerShape(
        worker=report.worker,
        pid=report.pid,
        generation=max((number[1] for number in report.generations.values()), default=0),
        ready=report.ready,
        draining=report.draining,
        connections=report.connections,
        in_flight=report.in_flight,
        requests=report.requests,
        certificate_fault=report.certificate_fault,
        generations=report.generations,
    )


def _host(report: HostReport) -> HostShape:
    return HostShape(
        digest=report.digest, pid=report.pid, ready=report.ready, restarts=report.restarts, python=report.python
    )


def _crash(count: CrashCount) -> CrashShape:
    return CrashShape(version=count.version, digest=count.digest, workers=count.workers, hosts=count.hosts)


def _endpoint(tx: Tx, endpoint: Endpoint) -> EndpointState:
    state, live = standing(tx, endpoint.name)
    return EndpointState(endpoint=endpoint.name, version=live.version if live else None, state=state)


def _building(reports: Sequence[NodeReport], seen: Sequence[EndpointState]) -> list[str]:
    """Of the endpoints that the caller may see."""
    waiting = {endpoint for report in reports for endpoint in report.building}
    return sorted(waiting & {each.endpoint for each in seen})


@router.get("/status")
def status(plane: Plane, caller: Who) -> StatusShape:
    """Control plane, agent, workers, hosts and endpoints."""
    reports = plane.nodes.reports()
    with plane.database.read() as tx:
        endpoints = [
            _endpoint(tx, each)
            for each in every_endpoint(tx)
            if caller.allows("endpoints:read", each.project, each.environment)
        ]
    return StatusShape(
        version=__version__,
        home=str(plane.home.path),
        control=ControlShape(
            pid=plane.pid,
            url=plane.url,
            certificate_fault=plane.certificate.fault if plane.certificate else "",
        ),
        agent=AgentShape(pid=reports[0].agent_pid) if reports else None,
        data=DataShape(url=plane.data_url),
        workers=[_worker(worker) for report in reports for worker in report.workers],
        hosts=[_host(host) for report in reports for host in report.hosts],
        crashes=[_crash(count) for report in reports for count in report.crashes],
        endpoints=endpoints,
        building=_building(reports, endpoints),
    )


@router.get("/address")
def address(plane: Plane) -> DataShape:
    """Where predictions are answered."""
    return DataShape(url=plane.data_url)


@rooted.get("/healthz")
def healthz() -> HealthShape:
    """The process answers."""
    return HealthShape(status="ok")


@rooted.get("/readyz")
def readyz(plane: Plane) -> HealthShape:
    """The database answers too."""
    with plane.database.read() as tx:
        read_head(tx)
    return HealthShape(status="ok")


@rooted.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(plane: Plane) -> Response:
    """Gauges of the control plane for Prometheus."""
    lines = [
        line
        for name, help_text, value in _gauges(plane, plane.nodes.reports())
        for line in (f"# HELP {name} {help_text}", f"# TYPE {name} gauge", f"{name} {value}")
    ]
    with plane.database.read() as tx:
        states = count_by_state(tx)
    name = "headgate_control_rollouts"
    lines += [f"# HELP {name} Rollouts, by state.", f"# TYPE {name} gauge"]
    lines += [f'{name}{{state="{state}"}} {count}' for state, count in states.items()]
    return Response("\n".join(lines) + "\n", media_type=PROMETHEUS)


def _gauges(plane: ControlPlane, reports: tuple[NodeReport, ...]) -> list[tuple[str, str, int]]:
    workers = [worker for report in reports for worker in report.workers]
    with plane.database.read() as tx:
        return [
            ("headgate_control_versions", "Registered versions.", count_versions(tx)),
            ("headgate_control_endpoints", "Endpoints.", count_endpoints(tx)),
            ("headgate_control_rollouts_active", "Rollouts under way.", len(active_rollouts(tx))),
            ("headgate_control_ledger_events", "Events in the ledger.", read_head(tx)[0]),
            ("headgate_control_nodes", "Nodes that report.", len(reports)),
            ("headgate_control_workers_ready", "Workers that are ready.", sum(each.ready for each in workers)),
        ]
