"""`headgate serve`: what it takes, what it writes, and a real one that answers and leaves nothing behind."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cli.conftest import Headgate

from headgate.bundle.bundle import open_bundle
from headgate.bundle.signing import load_or_create_key, sign_folder
from headgate.cli import serve as serve_module
from headgate.cli.node import cached_bundle, key_for, name_of, place_endpoint
from headgate.cli.serve import container_model, model_in
from headgate.client import local
from headgate.client.local import free_ports
from headgate.errors import HeadgateError, Malformed, NotFound, Untrusted
from headgate.home import Home
from headgate.processes import is_alive
from headgate.records import AccessTable, RouteTable
from headgate.settings import Settings, to_environment
from headgate.testing.bundles import BuiltBundle, LinearModel, build_bundle, write_bundle
from headgate.testing.instance import until


@pytest.fixture
def bundle(tmp_path: Path) -> BuiltBundle:
    return build_bundle(tmp_path / "bundles")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def test_vertex_says_where_the_model_lies(bundle: BuiltBundle) -> None:
    environment = {"AIP_STORAGE_URI": str(bundle.folder), "AIP_HTTP_PORT": "7000"}
    wanted = container_model(environment)
    assert (wanted.model, wanted.port) == (bundle.folder, 7000)
    assert container_model({"AIP_STORAGE_URI": f"file://{bundle.folder}"}).port == 8080


@pytest.mark.parametrize(
    "environment", [{"AIP_STORAGE_URI": "gs://bucket/model"}, {"AIP_STORAGE_URI": "/", "AIP_HTTP_PORT": "x"}]
)
def test_what_vertex_says_wrongly_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(Malformed, match="Expected"):
        container_model(environment)


def test_sagemaker_puts_the_model_in_its_place(
    tmp_path: Path, bundle: BuiltBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_module, "SAGEMAKER_MODEL", bundle.folder.parent)
    assert container_model({}) == serve_module.Wanted(bundle.folder, 8080)
    assert container_model({"SAGEMAKER_BIND_TO_PORT": "9000"}).port == 9000
    monkeypatch.setattr(serve_module, "SAGEMAKER_MODEL", tmp_path / "nothing")
    with pytest.raises(NotFound, match="headgate serve MODEL"):
        container_model({})


def test_a_folder_with_one_model_is_that_model(tmp_path: Path, bundle: BuiltBundle) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(Malformed, match="got none"):
        model_in(folder)
    (folder / "model.joblib").touch()
    (folder / "notes.md").touch()
    assert model_in(folder) == folder / "model.joblib"
    (folder / "other.pkl").touch()
    with pytest.raises(Malformed, match=r"model\.joblib, other\.pkl"):
        model_in(folder)
    (folder / "b.hgb").touch()
    assert model_in(folder) == folder / "b.hgb"
    assert model_in(bundle.folder) == bundle.folder


@pytest.mark.parametrize("form", ["folder", "file"])
def test_a_bundle_is_taken_into_the_cache(tmp_path: Path, home: Home, bundle: BuiltBundle, form: str) -> None:
    given = bundle.folder if form == "folder" else open_bundle(bundle.folder).pack(tmp_path / "b.hgb")
    cached = cached_bundle(given, home, (), None)
    assert cached.folder == home.cache / bundle.digest
    assert open_bundle(cached.folder).digest == bundle.digest
    assert given.exists()


def test_a_bundle_that_runs_code_must_be_signed_by_its_user(
    tmp_path: Path, home: Home, bundle: BuiltBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_SIGNING_KEY", str(tmp_path / "own.key"))
    manifest = msgspec.structs.replace(bundle.manifest, trusted_code=("evil.Model",))
    files = {name: (bundle.folder / name).read_bytes() for name in bundle.manifest.files}
    coded = write_bundle(tmp_path / "coded", manifest, files)
    with pytest.raises(Untrusted):
        cached_bundle(coded.folder, home, (), None)
    sign_folder(coded.folder, load_or_create_key(tmp_path / "strange.key"))
    with pytest.raises(Untrusted):
        cached_bundle(coded.folder, Home(tmp_path / "second").create(), (), None)
    sign_folder(coded.folder, load_or_create_key(tmp_path / "own.key"))
    assert cached_bundle(coded.folder, Home(tmp_path / "third").create(), (), None).digest == coded.digest


def test_what_is_not_there_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="found nothing there"):
        cached_bundle(tmp_path / "nothing.joblib", home, (), None)


@pytest.mark.parametrize(
    ("file", "name"),
    [("model.joblib", "model"), ("my model (2).pkl", "my-model-2-"), ("..x.pkl", "x"), ("§.pkl", "model")],
)
def test_a_model_is_named_after_its_file(file: str, name: str) -> None:
    assert name_of(Path(file).stem) == name


def test_the_node_gets_one_table_and_nobody_needs_a_key(home: Home, bundle: BuiltBundle) -> None:
    place_endpoint(home, open_bundle(bundle.folder), "fraud", key_for(Settings(), {}))
    table = msgspec.json.decode((home.routes / "fraud.json").read_bytes(), type=RouteTable)
    assert (table.number, table.variants[0].digest, table.variants[0].placement) == ((1, 1), bundle.digest, "inline")
    assert not msgspec.json.decode(home.access.read_bytes(), type=AccessTable).required


def test_a_key_is_stored_as_its_hash(home: Home, bundle: BuiltBundle) -> None:
    settings = Settings(require_keys=True)
    assert key_for(settings, {"HEADGATE_KEY": "hg_mine"}) == "hg_mine"
    key = key_for(settings, {})
    place_endpoint(home, open_bundle(bundle.folder), "fraud", key)
    access = msgspec.json.decode(home.access.read_bytes(), type=AccessTable)
    assert access.required
    assert access.keys[0].sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert key.encode() not in home.access.read_bytes()


def test_serving_beyond_loopback_is_refused(headgate: Headgate, bundle: BuiltBundle) -> None:
    ran = headgate("serve", str(bundle.folder), "--host", "0.0.0.0")
    assert ran.code == 1
    assert "--require-keys and TLS" in ran.err


@pytest.fixture
def served(bundle: BuiltBundle, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_ports(1)[0]
    command = [
        sys.executable, "-m", "headgate", "serve", str(bundle.folder), "--port", str(port), "--output", "json",
    ]  # fmt: skip
    environment = {"PATH": "/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process, port
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def read_object(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    text = ""
    while line := process.stdout.readline():
        text += line
        if line == "}\n":
            return json.loads(text)
    raise HeadgateError(f"it ended: {process.stderr.read() if process.stderr else ''}")


def test_a_bundle_is_served_until_stopped(served: tuple[subprocess.Popen[str], int], tmp_path: Path) -> None:
    process, port = served
    said = read_object(process)
    assert said["url"] == f"http://127.0.0.1:{port}/v1/endpoints/fraud/predict"
    row = {"age": 1.0, "income": 2.0, "balance": 3.0}
    request = urllib.request.Request(
        said["url"], json.dumps({"rows": [row]}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        body = json.load(answer)
    expected = LinearModel().answer(row)
    assert body["model"] == said["version"] == "fraud:1"
    assert body["predictions"] == [expected["predictions"]]
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert list(tmp_path.glob("headgate-serve-*")) == []


def test_one_that_is_killed_leaves_nothing_behind(served: tuple[subprocess.Popen[str], int], tmp_path: Path) -> None:
    process, _ = served
    read_object(process)
    (folder,) = tmp_path.glob("headgate-serve-*")
    # a worker answers before it has written its file
    until(lambda: len(local.find_runners(Home(folder))) == 2, "agent and worker")
    runners = local.find_runners(Home(folder))
    process.kill()
    until(lambda: not any(is_alive(runner.pid) for runner in runners), "the end of agent and worker")
    assert not folder.exists()


def test_a_parent_that_is_gone_already_ends_it_too(home: Home) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as parent:
        pass
    command = [*local.agent_command(home, control=False), "--temporary-for", str(parent.pid)]
    environment = os.environ | to_environment(Settings(port=0))
    assert subprocess.run(command, env=environment, timeout=60, check=False).returncode == 0
    assert not home.path.exists()
