"""Projects and environments."""

from fastapi import Response
from pydantic import Field

from headgate.registry.projects import EnvironmentRecord, Project, create_project, list_environments, list_projects
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.guards import Who, guarded
from headgate.web.api.plane import Plane
from headgate.web.api.shapes import Cursor, Limit, Listing, Shape, listing, page_of

router = guarded("projects")


class NewProject(Shape):
    name: str = Field(max_length=128, examples=["risk"])


class ProjectShape(Shape):
    name: str
    created_at: str


class EnvironmentShape(Shape):
    name: str
    needs_approval: bool = Field(description="Whether approval and gates bind here.")


def _project(project: Project) -> ProjectShape:
    return ProjectShape(name=project.name, created_at=project.created_at)


def _environment(environment: EnvironmentRecord) -> EnvironmentShape:
    return EnvironmentShape(name=environment.name, needs_approval=environment.needs_approval)


@router.get("/projects")
def list_all(plane: Plane, caller: Who, limit: Limit = 50, cursor: Cursor = None) -> Listing[ProjectShape]:
    """Projects that the caller may see, by name."""
    with plane.database.read() as tx:
        seen = [project for project in list_projects(tx) if caller.allows("models:read", project.name)]
    return listing(page_of(seen, lambda project: project.name, limit, cursor), _project)


@router.post("/projects", status_code=201, response_model=ProjectShape)
def create(change: Change, body: NewProject) -> Response:
    """Make a project."""

    def act(tx: Tx) -> Done:
        return 201, _project(create_project(tx, body.name, change.actor))

    return change.run(body, act)


@router.get("/environments")
def environments(plane: Plane) -> Listing[EnvironmentShape]:
    """The environments of this instance."""
    with plane.database.read() as tx:
        return Listing(items=[_environment(each) for each in list_environments(tx)])
