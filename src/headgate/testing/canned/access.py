"""Actors, their grants and keys, and keys that bundles are signed with."""

from headgate.errors import Conflict, NotFound
from headgate.testing.canned.state import TIME, Answer, FakeControl, Received, Routes, page


def _add_actor(fake: FakeControl, request: Received) -> Answer:
    wanted = request.json
    if wanted["name"] in fake.actors:
        raise Conflict(f"There is an actor {wanted['name']!r} already.")
    grants = [{"role": role, "project": "*", "environment": "*"} for role in wanted["roles"]]
    fake.actors[wanted["name"]] = {"name": wanted["name"], "kind": wanted["kind"], "grants": grants}
    return 201, fake.actors[wanted["name"]]


def _grant(fake: FakeControl, request: Received, name: str) -> Answer:
    fake.actors[name]["grants"].append({"project": "*", "environment": "*", **request.json})
    return 200, fake.actors[name]


def _revoke_grant(fake: FakeControl, request: Received, name: str, role: str) -> Answer:
    grants = fake.actors[name]["grants"]
    fake.actors[name]["grants"] = [grant for grant in grants if grant["role"] != role]
    return 204, None


def _remove_actor(fake: FakeControl, request: Received, name: str) -> Answer:
    if fake.actors.pop(name, None) is None:
        raise NotFound(f"There is no actor {name!r}. See `headgate actor list`.")
    return 204, None


def _add_key(fake: FakeControl, request: Received) -> Answer:
    key_id = f"key{len(fake.keys) + 1}"
    key = {
        "id": key_id, "actor": request.json["actor"], "note": request.json.get("note", ""), "created_at": TIME,
        "expires_at": None, "revoked_at": None, "concurrency": request.json.get("concurrency", 0),
        "requests_per_second": request.json.get("requests_per_second", 0),
        "priority": request.json.get("priority", "normal"),
    }  # fmt: skip
    fake.keys[key_id] = key
    signing = f"{key_id}_signing" if request.json.get("aws") else None
    hint = "Limits of keys do nothing here." if key["concurrency"] or key["requests_per_second"] else ""
    return 201, key | {"key": f"hg_{key_id}_secret", "aws_secret": signing, "hint": hint}


def _revoke_key(fake: FakeControl, request: Received, key_id: str) -> Answer:
    if key_id not in fake.keys:
        raise NotFound(f"There is no key {key_id!r}. See `headgate key list`.")
    fake.keys[key_id]["revoked_at"] = TIME
    return 204, None


def _trust(fake: FakeControl, request: Received) -> Answer:
    given = request.json
    signer = {"id": "5" * 16, "state": "trusted", "changed_at": TIME, "changed_by": "ann", "answering": [], **given}
    fake.signers[given["public_key"]] = signer
    fake.record("signer.trust", f"signer:{signer['id']}")
    return 201, signer


def _distrust(fake: FakeControl, request: Received) -> Answer:
    given = request.json
    found = next((each for each in fake.signers.values() if given["key"] in (each["id"], each["public_key"])), None)
    if found is None:
        raise NotFound(f"There is no signing key {given['key']}.")
    found |= {"state": "revoked", "answering": ["fraud:1 behind fraud"]}
    fake.record("signer.revoke", f"signer:{found['id']}", given["reason"])
    return 200, found


ROUTES: Routes = (
    ("GET", "/api/v1/actors", lambda fake, request: page(fake, request, list(fake.actors.values()))),
    ("POST", "/api/v1/actors", _add_actor),
    ("DELETE", "/api/v1/actors/([^/]+)", _remove_actor),
    ("POST", "/api/v1/actors/([^/]+)/grants", _grant),
    ("DELETE", "/api/v1/actors/([^/]+)/grants/([^/]+)", _revoke_grant),
    ("GET", "/api/v1/keys", lambda fake, request: page(fake, request, list(fake.keys.values()))),
    ("POST", "/api/v1/keys", _add_key),
    ("DELETE", "/api/v1/keys/([^/]+)", _revoke_key),
    ("GET", "/api/v1/signers", lambda fake, request: page(fake, request, list(fake.signers.values()))),
    ("POST", "/api/v1/signers", _trust),
    ("POST", "/api/v1/signers/revoke", _distrust),
)
