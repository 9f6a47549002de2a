"""The roles that a user gives to columns, as a dict of column → role or roles."""

from collections.abc import Iterable, Mapping
from typing import get_args

from headgate.errors import Malformed, SignatureMismatch
from headgate.records import Role

ROLES: tuple[Role, ...] = get_args(Role)
# columns of these roles are for Headgate, not for the model, unless "feature" is named too
ASIDE = {"key", "entity", "event_time", "context"}

Given = Mapping[str, str | Iterable[str]]


def read_roles(given: Given | None) -> dict[str, tuple[Role, ...]]:
    """Column → roles as they were given; raises `Malformed` for a role that there is not."""
    found: dict[str, tuple[Role, ...]] = {}
    for column, roles in (given or {}).items():
        named = (roles,) if isinstance(roles, str) else tuple(roles)
        found[column] = tuple(role for role in ROLES if role in named)
        if unknown := sorted(set(named) - set(ROLES)):
            raise Malformed(f"Column {column!r} was given the role {unknown[0]!r}; roles are {', '.join(ROLES)}.")
    return found


def require_known(roles: Mapping[str, tuple[Role, ...]], names: Iterable[str]) -> None:
    """Every column with a role is there; raises `SignatureMismatch`."""
    known = list(names)
    for column in roles:
        if column not in known:
            raise SignatureMismatch(
                f"A role was given to column {column!r}, which is not in the data: {', '.join(known)}.",
                detail=[{"column": column, "expected": "a column of the data", "got": None}],
            )


def is_aside(roles: tuple[Role, ...]) -> bool:
    """Whether the model is not given a column of these roles."""
    return "feature" not in roles and bool(ASIDE & set(roles))


def with_feature(roles: tuple[Role, ...], feature: bool) -> tuple[Role, ...]:
    """The roles with "feature" exactly when the model is given the column, in the order of the table of roles."""
    kept = set(roles) - {"feature"} | ({"feature"} if feature else set())
    return tuple(role for role in ROLES if role in kept)
