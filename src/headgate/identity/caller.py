"""Who is calling, and what they may do."""

from headgate.errors import Forbidden
from headgate.identity.roles import CONFINED, INSTANCE_WIDE, PERMISSIONS
from headgate.records import Record

ANY = "*"


class Grant(Record, frozen=True, kw_only=True):
    """A role within a project and an environment; "*" stands for all."""

    role: str
    project: str = ANY
    environment: str = ANY

    @property
    def is_instance_wide(self) -> bool:
        return self.project == ANY and self.environment == ANY

    def gives(self, permission: str, project: str | None, environment: str | None) -> bool:
        """Whether this grant alone gives the permission there; None where a thing belongs to no such place."""
        if permission not in PERMISSIONS.get(self.role, frozenset()):
            return False
        if permission in INSTANCE_WIDE:
            return self.is_instance_wide
        confined = CONFINED.get((self.role, permission))
        if confined is not None and environment not in confined:
            return False
        return _covers(self.project, project) and _covers(self.environment, environment)


def _covers(granted: str, asked: str | None) -> bool:
    return asked is None or granted in (ANY, asked)


class Caller(Record, frozen=True, kw_only=True):
    """An authenticated actor with what it was granted."""

    actor: str
    key: str = ""  # id of the key that was used
    grants: tuple[Grant, ...] = ()

    def allows(self, permission: str, project: str | None = None, environment: str | None = None) -> bool:
        """Whether any grant gives the permission there."""
        return any(grant.gives(permission, project, environment) for grant in self.grants)

    def require(self, permission: str, project: str | None = None, environment: str | None = None) -> None:
        """Raises `Forbidden` unless a grant gives the permission there."""
        if not self.allows(permission, project, environment):
            place = f" in {project or 'any project'}/{environment or 'any environment'}" if project else ""
            roles = [role for role, held in PERMISSIONS.items() if permission in held and role != "node"]
            raise Forbidden(
                f"{self.actor} has no {permission}{place}: it comes with the role {' or '.join(roles) or 'node'}. "
                "An admin grants it with `headgate actor grant`."
            )
