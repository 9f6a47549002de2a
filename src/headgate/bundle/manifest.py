"""The manifest: the one file of a bundle that names all others. The sha256 of its bytes is the bundle's identity."""

import hashlib
import json
from typing import Any

import msgspec

from headgate.records import Category, Record, Signature, Task

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"  # detached: not named in the manifest, not part of the identity
GOLDEN = "golden.json"
PROFILE = "profile.json"
CARD = "card.md"
REQUIREMENTS = "requirements.txt"  # the environment's packages with their hashes
SBOM = "sbom.cdx.json"  # the same for auditors: CycloneDX
# option of a form: the largest number, on either side of 0, that its features take; larger ones are refused
LARGEST = "largest"
FORMAT = 1  # what is written
FORMATS = (1,)  # what is read: this one and the one before, where there is one


class FileEntry(Record, frozen=True, kw_only=True):
    """One file of the bundle."""

    sha256: str
    size: int  # bytes


class Parity(Record, frozen=True, kw_only=True):
    """How far a compiled form is from the original, on the holdout and at the split points."""

    rows: int
    labels_differ: int
    max_difference: float  # of the numbers; relative for |x| > 1, absolute below
    tolerance: float


class Form(Record, frozen=True, kw_only=True):
    """One way to run the model: the original ("native") or compiled ("onnx")."""

    runtime: str  # name in the table of runtimes
    path: str  # file or folder inside the bundle
    parity: Parity | None = None
    # why this form is not there or is not served; empty where it is fit to serve
    refused: str = ""
    options: dict[str, str] = {}


class Environment(Record, frozen=True, kw_only=True):
    """What the native form needs, locked."""

    python: str  # "3.11"
    packages: dict[str, str] = {}  # distribution → version
    # those that the model itself names; the others are what these require
    direct: tuple[str, ...] = ()
    # why the packages have no hashes, so that nobody can build this environment; empty where they have
    unlocked: str = ""


class Lineage(Record, frozen=True, kw_only=True):
    """Where the model comes from, as far as it is known."""

    data_digest: str = ""
    data_source: str = ""
    data_rows: int = 0
    git_commit: str = ""
    code: str = ""
    parent_run: str = ""
    trained_at: str = ""  # as given, never taken from the clock


class Manifest(Record, frozen=True, kw_only=True):
    """Everything about a packaged model. Nothing in it depends on the clock or the machine."""

    format: int = FORMAT
    name: str
    framework: str  # "scikit-learn", "xgboost", "lightgbm", "catboost", "onnx", "python"
    framework_version: str = ""
    task: Task
    classes: tuple[Category | float, ...] = ()
    signature: Signature
    forms: dict[str, Form]
    serves: str  # key of `forms`
    serves_because: str = ""
    metrics: dict[str, float] = {}
    lineage: Lineage = Lineage()
    environment: Environment
    files: dict[str, FileEntry]
    # globals outside the allow-list that the packager named as trusted code
    trusted_code: tuple[str, ...] = ()


def canonical_bytes(value: Any) -> bytes:
    """Canonical JSON (sorted keys, no white space, UTF-8, shortest floats): the same value gives the same bytes."""
    plain = msgspec.to_builtins(value)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(manifest: Manifest) -> str:
    """The bundle's identity: sha256 of the manifest's canonical bytes, in hex."""
    return hashlib.sha256(canonical_bytes(manifest)).hexdigest()
