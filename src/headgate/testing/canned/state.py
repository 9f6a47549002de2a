"""The state in memory: what was registered, deployed and asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TIME = "2026-01-02T03:04:05Z"

Json = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class Received:
    """One request as the fake saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        parsed: Json = json.loads(self.body or b"{}")
        return parsed


@dataclass
class FakeControl:
    """What the fake knows and what it was asked. `break_next` closes that many connections before an answer."""

    url: str = ""
    models: dict[str, Json] = field(default_factory=dict)
    endpoints: dict[str, Json] = field(default_factory=dict)
    rollouts: dict[str, list[Json]] = field(default_factory=dict)
    specs: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    projects: dict[str, Json] = field(default_factory=dict)
    actors: dict[str, Json] = field(default_factory=dict)
    keys: dict[str, Json] = field(default_factory=dict)
    signers: dict[str, Json] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    break_next: int = 0
    fault: Json | None = None
    missing: list[str] = field(default_factory=list)
    crashes: list[Json] = field(default_factory=list)
    # states that a new rollout goes through, one per look
    course: tuple[str, ...] = ("pending", "loading", "promoted")
    prediction: Json = field(default_factory=lambda: {"predictions": [1]})

    def record(self, verb: str, thing: str, reason: str = "") -> None:
        number = len(self.events) + 1
        self.events.append(
            {
                "number": number,
                "at": TIME,
                "actor": "local",
                "verb": verb,
                "object": thing,
                "reason": reason,
                "before": None,
                "after": None,
                "hash": f"{number:064x}",
            }  # fmt: skip
        )

    def add_version(self, model: str = "fraud", digest: str = "") -> Json:
        entry = self.models.setdefault(
            model,
            {
                "name": model,
                "project": "default",
                "owner": "local",
                "description": "",
                "tags": {},
                "aliases": {},
                "versions": [],
                "created_at": TIME,
            },  # fmt: skip
        )
        number = len(entry["versions"]) + 1
        version: Json = {
            "version": f"{model}:{number}", "model": model, "number": number, "digest": digest or f"{number:064x}",
            "state": "pending", "registered_at": TIME, "registered_by": "local", "aliases": [],
            "framework": "scikit-learn", "task": "classification", "serves": "onnx", "metrics": {"accuracy": 0.95},
            "size": 1234, "signed_by": "ed25519:0123", "known": False,
        }  # fmt: skip
        entry["versions"].append(version)
        self.record("register", version["version"])
        return version


# method, pattern of the path, what answers: it gets the state, the request and the pattern's groups
Routes = tuple[tuple[str, str, Callable[..., Answer]], ...]


def page(fake: FakeControl, request: Received, items: list[Json]) -> Answer:
    """Two items at most, so that who asks has to turn pages."""
    start = int(request.query.get("cursor", "0"))
    size = min(int(request.query.get("limit", "2")), 2)
    following = start + size
    return 200, {"items": items[start:following], "next": str(following) if following < len(items) else None}
