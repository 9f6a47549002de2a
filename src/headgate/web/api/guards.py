"""Who may call what: one table from route to permission, and the guard that every route stands behind."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer

from headgate.errors import Forbidden, Unauthenticated
from headgate.identity.caller import Caller
from headgate.identity.keys import authenticate
from headgate.identity.roles import INSTANCE_WIDE
from headgate.identity.roles import PERMISSIONS as OF_ROLE

API = "/api/v1"
PUBLIC: Final = "public"

# A route that is not in here is refused to everybody. What belongs to a project or environment is checked again, there,
# by the route itself.
PERMISSIONS: dict[tuple[str, str], str] = {
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): "status:read",
    ("GET", f"{API}/openapi.json"): "status:read",
    ("GET", f"{API}/status"): "status:read",
    # whoever may predict may know where, and nothing else of the instance
    ("GET", f"{API}/address"): "endpoints:predict",
    ("GET", f"{API}/projects"): "models:read",
    ("POST", f"{API}/projects"): "projects:manage",
    ("GET", f"{API}/environments"): "models:read",
    ("POST", f"{API}/versions"): "models:register",
    ("GET", f"{API}/models"): "models:read",
    ("GET", f"{API}/models/{{model}}"): "models:read",
    ("PATCH", f"{API}/models/{{model}}"): "models:register",
    ("GET", f"{API}/models/{{model}}/versions"): "models:read",
    ("GET", f"{API}/models/{{model}}/versions/{{number}}"): "models:read",
    ("GET", f"{API}/models/{{model}}/versions/{{number}}/card"): "models:read",
    ("GET", f"{API}/models/{{model}}/diff"): "models:read",
    ("POST", f"{API}/models/{{model}}/versions/{{number}}/approve"): "versions:approve",
    ("POST", f"{API}/models/{{model}}/versions/{{number}}/reject"): "versions:approve",
    ("POST", f"{API}/models/{{model}}/versions/{{number}}/retire"): "versions:approve",
    ("PUT", f"{API}/models/{{model}}/aliases/{{alias}}"): "models:register",
    ("DELETE", f"{API}/models/{{model}}/aliases/{{alias}}"): "models:register",
    ("GET", f"{API}/gates"): "endpoints:read",
    ("POST", f"{API}/deployments"): "endpoints:deploy",
    ("GET", f"{API}/endpoints"): "endpoints:read",
    ("GET", f"{API}/endpoints/{{endpoint}}"): "endpoints:read",
    ("DELETE", f"{API}/endpoints/{{endpoint}}"): "endpoints:delete",
    ("GET", f"{API}/endpoints/{{endpoint}}/spec"): "endpoints:read",
    ("PUT", f"{API}/endpoints/{{endpoint}}/spec"): "endpoints:deploy",
    ("POST", f"{API}/endpoints/{{endpoint}}/rollback"): "endpoints:deploy",
    ("GET", f"{API}/endpoints/{{endpoint}}/rollout"): "endpoints:read",
    ("GET", f"{API}/endpoints/{{endpoint}}/rollouts"): "endpoints:read",
    ("GET", f"{API}/endpoints/{{endpoint}}/logs"): "endpoints:read",
    ("GET", f"{API}/audit"): "audit:read",
    ("GET", f"{API}/audit/verify"): "audit:read",
    ("GET", f"{API}/actors"): "actors:manage",
    ("POST", f"{API}/actors"): "actors:manage",
    ("DELETE", f"{API}/actors/{{actor}}"): "actors:manage",
    ("POST", f"{API}/actors/{{actor}}/grants"): "actors:manage",
    ("DELETE", f"{API}/actors/{{actor}}/grants/{{role}}"): "actors:manage",
    ("GET", f"{API}/keys"): "keys:manage",
    ("POST", f"{API}/keys"): "keys:manage",
    ("DELETE", f"{API}/keys/{{key}}"): "keys:manage",
    ("POST", f"{API}/artifacts/collect"): "artifacts:collect",
    ("GET", f"{API}/signers"): "signers:manage",
    ("POST", f"{API}/signers"): "signers:manage",
    ("POST", f"{API}/signers/revoke"): "signers:manage",
    ("POST", f"{API}/backup"): "backup",
    ("GET", f"{API}/node/tables"): "node",
    ("GET", f"{API}/node/bundles/{{digest}}"): "node",
    ("POST", f"{API}/node/report"): "node",
}

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="A key of this instance: `hg_…`")


def guard(request: Request) -> Caller:
    """Who calls, when they may call this route at all. Raises `Unauthenticated` or `Forbidden`."""
    route = request.scope.get("route")
    permission = PERMISSIONS.get((request.method, getattr(route, "path_format", "")))
    if permission is None:
        raise Forbidden("Nobody may call this address: it is in no table of permissions.")
    if permission == PUBLIC:
        return Caller(actor="")
    key = _presented_key(request)
    with request.app.state.plane.database.read() as tx:
        caller = authenticate(tx, key)
    if not _somewhere(caller, permission):
        caller.require(permission)
    return caller


def _somewhere(caller: Caller, permission: str) -> bool:
    """Whether the caller holds the permission in any place; in which one is for the route to check."""
    held = any(permission in OF_ROLE.get(grant.role, frozenset()) for grant in caller.grants)
    return held and (permission not in INSTANCE_WIDE or caller.allows(permission))


def _presented_key(request: Request) -> str:
    given = request.headers.getlist("authorization")
    scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("Expected one header `Authorization: Bearer hg_…`. `headgate key create` makes a key.")
    return key.strip()


Who = Annotated[Caller, Depends(guard)]


def guarded(tag: str, prefix: str = API) -> APIRouter:
    """A router whose every route stands behind the guard."""
    return APIRouter(prefix=prefix, tags=[tag], dependencies=[Depends(guard), Depends(_bearer)])
