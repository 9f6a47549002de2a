"""Projects and environments: what models, endpoints, keys and grants belong to."""

from sqlalchemy import insert, select

from headgate.errors import Conflict, NotFound
from headgate.ledger.events import Event, append
from headgate.names import fold, shown, validate_name
from headgate.records import Record
from headgate.storage.database import Tx, now
from headgate.storage.schema import environments, projects


class Project(Record, frozen=True, kw_only=True):
    name: str
    created_at: str


class EnvironmentRecord(Record, frozen=True, kw_only=True):
    name: str
    needs_approval: bool  # whether approval and gates bind here


def create_project(tx: Tx, name: str, actor: str) -> Project:
    """Make a project. Raises `InvalidName`, or `Conflict` when there is one of that name, ignoring case."""
    validate_name(name, "project name")
    if tx.execute(select(projects.c.name).where(projects.c.folded == fold(name))).first():
        raise Conflict(f"There is a project {name} already (names are compared ignoring case).")
    project = Project(name=name, created_at=now(tx))
    tx.execute(insert(projects).values(name=name, folded=fold(name), created_at=project.created_at))
    append(tx, Event(actor=actor, verb="project.create", object=f"project:{name}", after={"name": name}))
    return project


def list_projects(tx: Tx) -> tuple[Project, ...]:
    """All projects by name."""
    found = tx.execute(select(projects).order_by(projects.c.folded))
    return tuple(Project(name=row.name, created_at=row.created_at) for row in found)


def get_project(tx: Tx, name: str) -> Project:
    """The project of that name, ignoring case. Raises `NotFound`, `InvalidName`."""
    validate_name(name, "project name")
    row = tx.execute(select(projects).where(projects.c.folded == fold(name))).one_or_none()
    if row is None:
        raise NotFound(f"There is no project {shown(name)}. Make it: headgate project create NAME")
    return Project(name=row.name, created_at=row.created_at)


def list_environments(tx: Tx) -> tuple[EnvironmentRecord, ...]:
    """All environments by name."""
    found = tx.execute(select(environments).order_by(environments.c.folded))
    return tuple(EnvironmentRecord(name=row.name, needs_approval=row.needs_approval) for row in found)


def get_environment(tx: Tx, name: str) -> EnvironmentRecord:
    """The environment of that name, ignoring case. Raises `NotFound`, `InvalidName`."""
    validate_name(name, "environment name")
    row = tx.execute(select(environments).where(environments.c.folded == fold(name))).one_or_none()
    if row is None:
        known = ", ".join(environment.name for environment in list_environments(tx))
        raise NotFound(f"There is no environment {shown(name)}: expected one of {known}.")
    return EnvironmentRecord(name=row.name, needs_approval=row.needs_approval)
