"""`headgate serve`: one model at once, without a registry."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import Any

import click
import msgspec

from headgate.bundle.bundle import Bundle
from headgate.bundle.manifest import MANIFEST, Manifest
from headgate.certificate import check_certificate
from headgate.cli.node import LONE_VERSION, cached_bundle, key_for, place_endpoint, wait_until_ready
from headgate.cli.options import PlainCommand, choices
from headgate.cli.progress import steps_line
from headgate.cli.rendering import say, show_one
from headgate.client import local
from headgate.errors import Malformed, NotFound, Unavailable
from headgate.home import Home
from headgate.settings import Settings, check_exposure, check_tracing, load_settings, reachable, to_environment

SAGEMAKER_MODEL = Path("/opt/ml/model")
CONTAINER_PORT = 8080
MODEL_SUFFIXES = (
    ".joblib", ".pkl", ".onnx", ".ubj", ".json", ".txt", ".cbm", ".pt2", ".pt", ".keras", ".skops", ".py",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to serve, and where the platform wants it."""

    model: Path
    port: int | None = None


@click.command(cls=PlainCommand)
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option("--name", metavar="E", help="Name of the endpoint; default: of the model.")
@click.option("--port", type=int, metavar="N", help="Default: 8000, or what the container's platform asks for.")
@click.option("--grpc-port", type=int, metavar="N", help="Speak gRPC too; default: only HTTP.")
@click.option("--host", metavar="ADDRESS", help="Default: 127.0.0.1.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Worker processes; default: 1.")
@click.option("--require-keys", is_flag=True, default=None, help="Ask for a key: HEADGATE_KEY, or one made and shown.")
@click.option("--behind-proxy", is_flag=True, default=None, help="A proxy in front terminates TLS.")
@click.option("--tls-cert", metavar="FILE", help="Certificate and its chain (PEM): speak TLS.")
@click.option("--tls-key", metavar="FILE", help="The certificate's key (PEM), where --tls-cert does not hold it too.")
@click.option("--trust-code", metavar="NAME", multiple=True, help="A global that the pickle may use; may be repeated.")
def serve(model: Path | None, name: str | None, trust_code: tuple[str, ...], **flags: Any) -> None:
    """Serve MODEL, a model file, folder or bundle, at once and without a registry, until Ctrl-C.

    Without MODEL, a container's conventions are followed: AIP_STORAGE_URI and AIP_HTTP_PORT (Vertex AI), /opt/ml/model
    and port 8080 (SageMaker).
    """
    wanted = Wanted(model) if model else container_model(os.environ)
    if flags["port"] is None:
        flags["port"] = wanted.port
    # its import would be most of the time until the first answer
    settings = load_settings(Path.cwd(), os.environ, flags, {"grpc_port": 0})
    check_exposure(settings)
    check_tracing(settings)
    check_certificate(settings)
    with temporary_home() as home:
        with steps_line(f"serving {wanted.model.name}") as step:
            bundle = cached_bundle(wanted.model, home, trust_code, step)
        key = key_for(settings, os.environ)
        endpoint = name or bundle.manifest.name
        place_endpoint(home, bundle, endpoint, key)
        with running_agent(home, settings) as agent:
            wait_until_ready(home, agent, endpoint)
            _announce(bundle, endpoint, settings, key)
            status = agent.wait()
    if status not in (0, -signal.SIGTERM, -signal.SIGINT):
        raise Unavailable(f"Expected to serve until stopped, the agent ended with status {status}.")


def container_model(environment: Mapping[str, str]) -> Wanted:
    """What Vertex AI or SageMaker put there; raises `Malformed` or `NotFound` with what was looked for."""
    storage = environment.get("AIP_STORAGE_URI")
    if storage:
        if "://" in storage and not storage.startswith("file://"):
            raise Malformed(
                f"Expected AIP_STORAGE_URI to be a folder of this machine, got {storage!r}. "
                "Copy the model into the image, or mount it."
            )
        port = environment.get("AIP_HTTP_PORT", str(CONTAINER_PORT))
        return Wanted(model_in(Path(storage.removeprefix("file://"))), _port(port, "AIP_HTTP_PORT"))
    if SAGEMAKER_MODEL.is_dir():
        port = environment.get("SAGEMAKER_BIND_TO_PORT", str(CONTAINER_PORT))
        return Wanted(model_in(SAGEMAKER_MODEL), _port(port, "SAGEMAKER_BIND_TO_PORT"))
    raise NotFound("Expected a model, got none: headgate serve MODEL, where MODEL is a model file, folder or bundle.")


def model_in(folder: Path) -> Path:
    """The one model or bundle in a folder; the folder itself when it is one. Raises `NotFound` or `Malformed`."""
    if not folder.is_dir() or (folder / MANIFEST).is_file():
        return folder
    bundles = sorted([*folder.glob("*.hgb"), *(path.parent for path in folder.glob(f"*/{MANIFEST}"))])
    found = bundles or sorted(path for path in folder.iterdir() if path.suffix in MODEL_SUFFIXES)
    if len(found) != 1:
        named = ", ".join(path.name for path in found) or "none"
        raise Malformed(f"Expected one model file or bundle in {folder}, got {named}. Name it: headgate serve MODEL")
    return found[0]


@contextmanager
def temporary_home() -> Iterator[Home]:
    """A home that is gone afterwards."""
    home = Home(Path(mkdtemp(prefix="headgate-serve-"))).create()
    try:
        yield home
    finally:
        shutil.rmtree(home.path, ignore_errors=True)


@contextmanager
def running_agent(home: Home, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """An agent without a control plane; SIGTERM and Ctrl-C are handed on to it, and it is gone afterwards."""
    agent = local.start_agent(home, os.environ | to_environment(settings), control=False, temporary=True)

    def hand_on(number: int, frame: FrameType | None) -> None:
        agent.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield agent
    finally:
        if agent.poll() is None:
            agent.send_signal(signal.SIGTERM)
            agent.wait()
        for number, handler in before.items():
            signal.signal(number, handler)


def example_row(manifest: Manifest) -> dict[str, Any]:
    """One row that the endpoint takes, of the examples in the signature."""
    return {column.name: column.example for column in manifest.signature.inputs}


def _announce(bundle: Bundle, endpoint: str, settings: Settings, key: str) -> None:
    url = f"{settings.scheme}://{reachable(settings.host)}:{settings.port}/v1/endpoints/{endpoint}/predict"
    row = msgspec.json.encode({"rows": [example_row(bundle.manifest)]}).decode()
    authorization = f"-H 'Authorization: Bearer {key}' " if key else ""
    found = {"endpoint": endpoint, "url": url, "version": LONE_VERSION.format(name=bundle.manifest.name), "key": key}
    if choices().output == "table" and not choices().quiet:
        click.echo(f"{bundle.manifest.name} ({bundle.manifest.framework}, {bundle.manifest.serves}) answers at {url}")
        if any(column.shape for column in bundle.manifest.signature.inputs):
            # an image is too long for a command line
            say(f"Ctrl-C stops it. What it takes: {url.removesuffix('predict')}openapi.json")
            return
        say("Ctrl-C stops it. Try it:")
        quoted = row.replace("'", "'\\''")
        click.echo(f"curl -s {url} {authorization}-H 'Content-Type: application/json' -d '{quoted}'")
    else:
        show_one(found, {}, brief="url")


def _port(text: str, name: str) -> int:
    if not text.isdigit():
        raise Malformed(f"Expected a port in {name}, got {text!r}.")
    return int(text)
