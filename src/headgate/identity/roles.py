"""What each role may do: one table. A permission that is not in it is held by nobody."""

_READ = frozenset({"models:read", "endpoints:read", "audit:read", "status:read"})

PERMISSIONS: dict[str, frozenset[str]] = {
    "viewer": _READ,
    "predict": frozenset({"endpoints:predict"}),
    "developer": _READ | {"models:register", "endpoints:deploy", "endpoints:predict"},
    "approver": _READ | {"versions:approve"},
    "operator": _READ | {"endpoints:deploy", "endpoints:delete", "endpoints:predict"},
    "admin": _READ
    | {
        "models:register",
        "versions:approve",
        "endpoints:deploy",
        "endpoints:delete",
        "endpoints:predict",
        "actors:manage",
        "keys:manage",
        "signers:manage",
        "projects:manage",
        "artifacts:collect",
        "backup",
    },
    "node": frozenset({"node"}),
}

# the role of the node agent: never granted by a person
INTERNAL_ROLES = frozenset({"node"})

# (role, permission) → the only environments it reaches, however wide the grant
CONFINED: dict[tuple[str, str], frozenset[str]] = {("developer", "endpoints:deploy"): frozenset({"staging"})}

# about the instance, not about a project: only a grant for every project and environment gives them
INSTANCE_WIDE = frozenset(
    {
        "actors:manage",
        "keys:manage",
        "signers:manage",
        "projects:manage",
        "artifacts:collect",
        "backup",
        "audit:read",
        "node",
    }  # fmt: skip
)

ALL_PERMISSIONS = frozenset().union(*PERMISSIONS.values())
