"""The table of roles, and what a grant gives where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import Forbidden
from headgate.identity.caller import Caller, Grant
from headgate.identity.roles import ALL_PERMISSIONS, CONFINED, INSTANCE_WIDE, INTERNAL_ROLES, PERMISSIONS

EXPECTED = {
    "viewer": "models:read endpoints:read audit:read status:read",
    "predict": "endpoints:predict",
    "developer": "models:read endpoints:read audit:read status:read models:register endpoints:deploy endpoints:predict",
    "approver": "models:read endpoints:read audit:read status:read versions:approve",
    "operator": "models:read endpoints:read audit:read status:read endpoints:deploy endpoints:delete endpoints:predict",
    "admin": "models:read endpoints:read audit:read status:read models:register versions:approve endpoints:deploy"
    " endpoints:delete endpoints:predict actors:manage keys:manage signers:manage projects:manage artifacts:collect"
    " backup",
    "node": "node",
}


def test_the_table_is_the_one_that_was_agreed() -> None:
    assert {role: frozenset(text.split()) for role, text in EXPECTED.items()} == PERMISSIONS


def test_the_side_tables_name_what_exists() -> None:
    assert INSTANCE_WIDE <= ALL_PERMISSIONS
    assert PERMISSIONS.keys() >= INTERNAL_ROLES
    assert all(permission in PERMISSIONS[role] for role, permission in CONFINED)


def test_only_admins_reach_what_decides_about_others() -> None:
    for permission in ("actors:manage", "keys:manage", "projects:manage", "backup"):
        assert [role for role, held in PERMISSIONS.items() if permission in held] == ["admin"]


@pytest.mark.parametrize("role", PERMISSIONS)
@pytest.mark.parametrize("permission", sorted(ALL_PERMISSIONS))
def test_a_grant_gives_the_roles_permissions_and_no_other(role: str, permission: str) -> None:
    caller = Caller(actor="ann", grants=(Grant(role=role),))
    assert caller.allows(permission, "p", "staging") == (permission in PERMISSIONS[role])


@pytest.mark.parametrize("permission", sorted(ALL_PERMISSIONS))
def test_nobody_is_forbidden_everything(permission: str) -> None:
    with pytest.raises(Forbidden, match=permission):
        Caller(actor="ann").require(permission)


def test_unknown_permissions_and_roles_give_nothing() -> None:
    assert not Caller(actor="ann", grants=(Grant(role="admin"),)).allows("models:steal")
    assert not Caller(actor="ann", grants=(Grant(role="king"),)).allows("models:read")


def test_a_scoped_grant_stays_in_its_scope() -> None:
    caller = Caller(actor="ann", grants=(Grant(role="operator", project="risk", environment="staging"),))
    assert caller.allows("endpoints:deploy", "risk", "staging")
    assert not caller.allows("endpoints:deploy", "risk", "production")
    assert not caller.allows("endpoints:deploy", "other", "staging")
    # a model belongs to a project, but to no environment
    assert caller.allows("models:read", "risk")
    assert not caller.allows("models:read", "other")


def test_grants_do_not_mix() -> None:
    grants = (Grant(role="viewer", project="a"), Grant(role="operator", project="b"))
    caller = Caller(actor="ann", grants=grants)
    assert not caller.allows("endpoints:deploy", "a", "staging")


@pytest.mark.parametrize("permission", sorted(INSTANCE_WIDE - {"node"}))
def test_a_scoped_admin_does_not_rule_the_instance(permission: str) -> None:
    for project, environment in (("risk", "*"), ("*", "staging"), ("risk", "staging")):
        caller = Caller(actor="ann", grants=(Grant(role="admin", project=project, environment=environment),))
        assert not caller.allows(permission)
        assert not caller.allows(permission, project, environment)


def test_developers_deploy_to_staging_only() -> None:
    caller = Caller(actor="ann", grants=(Grant(role="developer"),))
    assert caller.allows("endpoints:deploy", "default", "staging")
    assert not caller.allows("endpoints:deploy", "default", "production")
    assert not caller.allows("endpoints:deploy")
    assert Caller(actor="ann", grants=(Grant(role="operator"),)).allows("endpoints:deploy", "default", "production")


places = st.sampled_from(["*", "a", "b"])
granted = st.builds(Grant, role=st.sampled_from(sorted(PERMISSIONS)), project=places, environment=places)


@given(st.lists(granted, max_size=4), granted, st.sampled_from(sorted(ALL_PERMISSIONS)), places, places)
def test_more_grants_never_allow_less(
    held: list[Grant], more: Grant, permission: str, project: str, environment: str
) -> None:
    before = Caller(actor="ann", grants=tuple(held)).allows(permission, project, environment)
    after = Caller(actor="ann", grants=(*held, more)).allows(permission, project, environment)
    assert after >= before
