"""What runs: for people, for probes and for Prometheus."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from headgate import __version__
from headgate.identity.caller import Caller
from headgate.ledger.events import read_head
from headgate.metering.control_families import (
    ACTIVE,
    CONNECTIONS,
    CONTROL_FAMILIES,
    ENDPOINTS,
    EVENTS,
    MISSING,
    NODES,
    ROLLOUTS,
    VERSIONS,
    WORKERS_READY,
)
from headgate.metering.exposition import CONTENT_TYPE, exposition
from headgate.records import CrashCount, HostReport, NodeReport, WorkerReport
from headgate.registry.versions import count_versions
from headgate.rollout.endpoints import Endpoint, count_endpoints, every_endpoint, standing
from headgate.rollout.rollouts import active_rollouts, count_by_state
from headgate.settings import grpc_status
from headgate.storage.database import Tx
from headgate.web.api.guards import Who, guard, guarded
from headgate.web.api.plane import ControlPlane, Plane
from headgate.web.api.shapes import Shape

router = guarded("status")
# probes and metrics stand beside the API, behind the same guard
rooted = APIRouter(tags=["status"], dependencies=[Depends(guard)])


class ControlShape(Shape):
    pid: int
    url: str
    certificate_fault: str = Field("", description="Why the TLS certificate in place is not in force.")


class AgentShape(Shape):
    pid: int


class DataShape(Shape):
    url: str


class GrpcShape(Shape):
    port: int | None
    reason: str = Field("", description="Why gRPC is not spoken.")


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


class StoresShape(Shape):
    database: str = Field(description="Where it is, without passwords.")
    artifacts: str
    missing: int = Field(0, description="Artifacts that the store has lost, when it was last looked at.")
    fault: str = Field("", description="Why the artifact store could not be looked at.")


class StatusShape(Shape):
    version: str = Field(description="Release of Headgate.")
    home: str
    stores: StoresShape
    control: ControlShape
    agent: AgentShape | None = Field(description="null while no node reports.")
    data: DataShape
    grpc: GrpcShape
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


def _endpoints(plane: ControlPlane, caller: Caller) -> list[EndpointState]:
    """Those that the caller may see."""
    with plane.database.read() as tx:
        return [
            _endpoint(tx, each)
            for each in every_endpoint(tx)
            if caller.allows("endpoints:read", each.project, each.environment)
        ]


def _control(plane: ControlPlane) -> ControlShape:
    fault = plane.certificate.fault if plane.certificate else ""
    return ControlShape(pid=plane.pid, url=plane.url, certificate_fault=fault)


@router.get("/status")
def status(plane: Plane, caller: Who) -> StatusShape:
    """Control plane, agent, workers, hosts and endpoints."""
    reports, endpoints = plane.nodes.reports(), _endpoints(plane, caller)
    return StatusShape(
        version=__version__,
        home=str(plane.home.path),
        stores=StoresShape(
            database=plane.database.location,
            artifacts=plane.store.location,
            missing=len(plane.stock.missing),
            fault=plane.stock.fault,
        ),
        control=_control(plane),
        agent=AgentShape(pid=reports[0].agent_pid) if reports else None,
        data=DataShape(url=plane.data_url),
        grpc=GrpcShape(**grpc_status(reports[0].grpc_port if reports else 0)),
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
    """Counters and gauges of the control plane for Prometheus."""
    counted = plane.counters.totals()
    # all of one moment
    with plane.database.read() as tx:
        gauges, states = _gauges(plane, tx), count_by_state(tx)
    counted |= {(name, ()): [float(value)] for name, value in gauges}
    counted |= {(ROLLOUTS, (("state", state),)): [float(count)] for state, count in states.items()}
    return Response(exposition(CONTROL_FAMILIES, counted), media_type=CONTENT_TYPE)


def _gauges(plane: ControlPlane, tx: Tx) -> list[tuple[str, int]]:
    reports = plane.nodes.reports()
    workers = [worker for report in reports for worker in report.workers]
    return [
        (VERSIONS, count_versions(tx)),
        (ENDPOINTS, count_endpoints(tx)),
        (ACTIVE, len(active_rollouts(tx))),
        (EVENTS, read_head(tx)[0]),
        (MISSING, len(plane.stock.missing)),
        (NODES, len(reports)),
        (WORKERS_READY, sum(each.ready for each in workers)),
        # without the one that asks
        (CONNECTIONS, plane.database.connections - 1),
    ]
