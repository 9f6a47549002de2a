"""The API as one application: every router, the door in front, errors in one shape."""

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from headgate.web.api import (
    actors,
    artifacts,
    audit,
    backup,
    deployments,
    endpoints,
    faults,
    gates,
    keys,
    models,
    node,
    openapi,
    projects,
    signers,
    specs,
    status,
    versions,
)
from headgate.web.api.counted import Counted
from headgate.web.api.door import MAX_JSON_BYTES, Door
from headgate.web.api.plane import ControlPlane

ROUTERS = (
    status.router,
    status.rooted,
    projects.router,
    versions.router,
    models.router,
    gates.router,
    deployments.router,
    endpoints.router,
    specs.router,
    audit.router,
    actors.router,
    keys.router,
    artifacts.router,
    signers.router,
    backup.router,
    node.router,
    openapi.router,
)


class Api(FastAPI):
    """FastAPI without its own pages, whose document is ours."""

    def build_middleware_stack(self) -> ASGIApp:
        """The door stands before everything, also before what answers for errors nobody foresaw; all is counted."""
        plane: ControlPlane = self.state.plane
        door = Door(super().build_middleware_stack(), plane.settings, plane.control_port)
        return Counted(door, plane.counters)

    def openapi(self) -> dict[str, Any]:
        return openapi.describe(self)


def build_api(plane: ControlPlane) -> FastAPI:
    """The application over one control plane."""
    # a documentation page would be fetched from strangers; redirects would answer for addresses that do not exist
    app = Api(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # for bodies that do not say how long they are; the door refuses the others before
        max_body_size=MAX_JSON_BYTES,
        # the document is read by generators: one operation, one stable name
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
    )
    app.state.plane = plane
    for router in ROUTERS:
        app.include_router(router)
    faults.install(app)
    return app
