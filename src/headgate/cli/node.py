"""A node without a control plane: one bundle in its cache, one route table, one access table."""

import hashlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from headgate.agent.journal import read_journal
from headgate.agent.trust import signers_path
from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.manifest import MANIFEST
from headgate.bundle.signing import (
    TrustedKeys,
    load_or_create_key,
    public_text,
    require_trust,
    user_key_path,
)
from headgate.client import local
from headgate.clock import SystemClock
from headgate.errors import DeadlineExceeded, ModelError, NotFound, Unavailable
from headgate.home import Home, write_atomically
from headgate.packaging.package import package
from headgate.records import AccessKey, AccessTable, RouteTable, SignerTable, Variant
from headgate.settings import Settings

LONE_VERSION = "{name}:1"
READY_SECONDS = 120.0
PAUSE = 0.01

Step = Callable[[str], None]


def cached_bundle(model: Path, home: Home, trust_code: tuple[str, ...], step: Step | None) -> Bundle:
    """The model's bundle in the home's cache; a model that is no bundle yet is packaged first, for here alone.

    Raises `NotFound`, and `Untrusted` for a bundle that runs code and is not signed by the user's own key.
    """
    if not model.exists():
        raise NotFound(f"Expected a model file, folder or bundle at {model}, found nothing there.")
    draft = home.cache / ".draft"
    if model.suffix == ".hgb":
        bundle = open_bundle(model, draft)
    elif (model / MANIFEST).is_file():
        shutil.copytree(model, draft)
        bundle = open_bundle(draft)
    else:
        if step:
            step("packaging")
        bundle = package(model, name=name_of(model.stem), output=draft, trust_code=trust_code, lock=False)
    own_key = load_or_create_key(user_key_path(os.environ))
    require_trust(bundle, TrustedKeys().and_key(own_key))
    signers = SignerTable(epoch=1, number=1, trusted=(public_text(own_key),))
    write_atomically(signers_path(home), msgspec.json.encode(signers))
    bundle.folder.rename(home.cache / bundle.digest)
    return Bundle(home.cache / bundle.digest, bundle.manifest, bundle.digest)


def name_of(text: str) -> str:
    """A name for a model: the text, as far as names allow."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")[:128] or "model"


def key_for(settings: Settings, environment: Mapping[str, str]) -> str:
    """The key that predictions need: `HEADGATE_KEY`, or a new one; empty where none is needed."""
    if not settings.require_keys:
        return ""
    return environment.get("HEADGATE_KEY") or f"hg_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def place_endpoint(home: Home, bundle: Bundle, endpoint: str, key: str) -> None:
    """Write what the node serves, and to whom."""
    manifest = bundle.manifest
    variant = Variant(
        version=LONE_VERSION.format(name=manifest.name),
        digest=bundle.digest,
        form=manifest.serves,
        placement="inline" if manifest.serves == "onnx" else "host",
    )
    table = RouteTable(
        endpoint=endpoint,
        epoch=1,
        generation=1,
        contract=manifest.signature,
        task=manifest.task,
        classes=manifest.classes,
        variants=(variant,),
    )
    write_atomically(home.routes / f"{endpoint}.json", msgspec.json.encode(table))
    keys = (
        AccessKey(id=_public_part(key), sha256=hashlib.sha256(key.encode()).hexdigest(), actor="local", predict=("*",)),
    )
    access = AccessTable(epoch=1, number=1, required=bool(key), keys=keys if key else ())
    write_atomically(home.access, msgspec.json.encode(access))


def wait_until_ready(home: Home, agent: subprocess.Popen[bytes], endpoint: str) -> None:
    """Until every worker answers.

    Raises `ModelError` when the model cannot be loaded, `Unavailable` when the agent ends, `DeadlineExceeded`.
    """
    clock = SystemClock()
    deadline = clock.monotonic() + READY_SECONDS
    while clock.monotonic() < deadline:
        if agent.poll() is not None:
            raise Unavailable(f"Expected the agent to start, it ended with {agent.returncode}.\n{local.log_tail(home)}")
        if journal := read_journal(home):
            if journal.ready:
                return
            if failure := journal.failures.get(endpoint):
                raise ModelError(f"Expected {failure.version} to answer its golden requests: {failure.reason}")
        clock.sleep(PAUSE)
    raise DeadlineExceeded(f"Expected {endpoint} to answer within {READY_SECONDS:g} s.\n{local.log_tail(home)}")


def _public_part(key: str) -> str:
    return key.split("_")[1] if key.count("_") >= 2 else key[:8]
