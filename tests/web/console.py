"""A control plane in this process, with a client, actors of every role, and a node that is told what to report."""

import json
from pathlib import Path
from typing import Any

import msgspec
from httpx2 import Response
from starlette.testclient import TestClient

from headgate.app import App, build
from headgate.bundle.bundle import Bundle
from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.bundle.signing import load_or_create_key, sign_folder
from headgate.home import Home
from headgate.records import LoadFailure, NodeReport, NodeTables, WorkerReport
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, write_bundle
from headgate.testing.clock import FakeClock
from headgate.web.api.door import BUNDLE_TYPE

ADDRESS = "http://127.0.0.1:8090"
API = "/api/v1"
Json = dict[str, Any]


class Console:
    """What a test does with a control plane. The controller is stepped by hand."""

    def __init__(self, folder: Path, settings: Settings | None = None, clock: FakeClock | None = None) -> None:
        self.folder = folder
        self.home = Home(folder / "home")
        self.clock = clock or FakeClock()
        self.app: App = build(self.home, settings or Settings(), self.clock)
        self.client = TestClient(self.app.api, base_url=ADDRESS, raise_server_exceptions=False)
        # one event loop for all requests instead of one for each
        self.client.__enter__()
        credentials = json.loads(self.home.credentials.read_bytes())
        self.key: str = credentials["key"]
        self.node_key: str = credentials["node_key"]

    def close(self) -> None:
        self.client.__exit__()
        self.app.close()

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> Response:
        """One request as the admin, or with another key ("" for none)."""
        chosen = self.key if key is None else key
        headers = {**({"Authorization": f"Bearer {chosen}"} if chosen else {}), **options.pop("headers", {})}
        return self.client.request(method, f"{API}{path}", headers=headers, **options)

    def get(self, path: str, key: str | None = None, **options: Any) -> Any:
        """The JSON at a path that must be there."""
        answer = self.ask("GET", path, key, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Json | None = None, key: str | None = None, **options: Any) -> Any:
        """The JSON that a change answers, which must succeed."""
        answer = self.ask("POST", path, key, json=body, **options)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def key_of(self, role: str, project: str | None = None, environment: str | None = None, name: str = "") -> str:
        """The key of a new actor with that role."""
        actor = name or f"{role}-{project or 'all'}-{environment or 'all'}"
        self.post("/actors", {"name": actor, "roles": [role], "project": project, "environment": environment})
        return str(self.post("/keys", {"actor": actor})["key"])

    def bundle(self, weight: float = 0.5, name: str = "fraud") -> bytes:
        """A bundle of data only; another weight is another version."""
        model = LinearModel(name=name, weights=(weight, -0.25, 0.125))
        return self.packed(build_bundle(self.folder / "bundles", model).folder)

    def code_bundle(
        self, signing_key: Path | None = None, runtime: str = "python", trusted_code: tuple[str, ...] = ()
    ) -> bytes:
        """A bundle that its author's code runs for when it is loaded, unless its runtime has an allow-list."""
        manifest = Manifest(
            name="code",
            framework="python",
            task="other",
            signature=LinearModel().signature,
            forms={"native": Form(runtime=runtime, path="model.py")},
            serves="native",
            trusted_code=trusted_code,
            environment=Environment(python="3.11"),
            files={},
        )
        built = write_bundle(self.folder / "bundles", manifest, {"model.py": b"model = None\n", "card.md": b"# Code\n"})
        if signing_key is not None:
            sign_folder(built.folder, load_or_create_key(signing_key))
        return self.packed(built.folder)

    def packed(self, folder: Path) -> bytes:
        archive = self.folder / "packed.hgb"
        return Bundle(folder, manifest_in(folder), folder.name).pack(archive).read_bytes()

    def upload(self, content: bytes, key: str | None = None, query: str = "", **headers: str) -> Response:
        sent = {"Content-Type": BUNDLE_TYPE, **headers}
        return self.ask("POST", f"/versions{query}", key, content=content, headers=sent)

    def register(self, weight: float = 0.5, name: str = "fraud", query: str = "") -> str:
        answer = self.upload(self.bundle(weight, name), query=query)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["version"])

    def tables(self, cursor: int = 0) -> NodeTables:
        answer = self.ask("GET", f"/node/tables?cursor={cursor}", self.node_key)
        return msgspec.json.decode(answer.content, type=NodeTables)

    def report(self, *, failing: str = "", reason: str = "it does not load", building: tuple[str, ...] = ()) -> None:
        """The node says that its worker answers with everything that is published, but for one endpoint."""
        routes = {table.endpoint: table for table in self.tables().routes}
        failures = {
            name: LoadFailure(
                epoch=table.epoch, generation=table.generation, version=table.variants[0].version, reason=reason
            )
            for name, table in routes.items()
            if name == failing
        }
        generations = {name: table.number for name, table in routes.items() if name != failing}
        worker = WorkerReport(worker="w0", pid=4, ready=True, generations=generations)
        heard = NodeReport(node="here", agent_pid=3, port=8123, workers=(worker,), failures=failures, building=building)
        answer = self.ask(
            "POST",
            "/node/report",
            self.node_key,
            content=msgspec.json.encode(heard),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 204, answer.text

    def settle(self, endpoint: str = "fraud", *, failing: str = "") -> Json:
        """Let the controller publish, the node answer, and the controller decide."""
        self.app.controller.step()
        self.report(failing=failing)
        self.app.controller.step()
        rollout: Json = self.get(f"/endpoints/{endpoint}/rollout")
        return rollout

    def deploy(self, version: str, endpoint: str = "fraud", **fields: Any) -> Json:
        """Deploy and bring it to its end."""
        self.post("/deployments", {"version": version, "endpoint": endpoint, **fields})
        return self.settle(endpoint)


def manifest_in(folder: Path) -> Manifest:
    return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
