"""The values that pass between the planes, all frozen, each top-level one with a `format` that is read at N and N-1."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Dtype = Literal[
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
    "string", "datetime", "bytes",
]  # fmt: skip
Role = Literal["feature", "key", "entity", "event_time", "segment", "protected", "sensitive", "context"]
Task = Literal["classification", "regression", "clustering", "transformation", "other"]
VariantRole = Literal["stable", "candidate", "shadow", "fallback"]
Placement = Literal["inline", "host"]
# what becomes of a value that training did not see: nothing, a warning in the answer's headers, a refusal
Policy = Literal["accept", "warn", "refuse"]
Category = str | int | bool
Scalar = str | int | float | bool | None

DEFAULT_PROJECT = "default"
DEFAULT_ENVIRONMENT = "staging"


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen value; what is decoded from outside may hold nothing it does not declare."""


class PlaneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen value that crosses planes: a newer peer may add fields, which are passed over."""

    format: int = 1


class Column(Record, frozen=True, kw_only=True):
    """One named input or output of a model."""

    name: str
    dtype: Dtype
    # a column can be a feature and sensitive; without "feature" the model never sees it
    roles: tuple[Role, ...] = ("feature",)
    nullable: bool = False
    # every level seen in training, sorted; None where the column is not categorical
    categories: tuple[Category, ...] | None = None
    # whether the model fails on any other level: it never gets one
    closed: bool = False
    # range seen in training, for numbers; None where unknown
    minimum: float | None = None
    maximum: float | None = None
    # shape of one row's value: () for a scalar, -1 for a free dimension
    shape: tuple[int, ...] = ()
    # synthesised, never a training row's value when the column is sensitive
    example: Scalar = None


class Signature(Record, frozen=True, kw_only=True):
    """The typed inputs and outputs of a model or of an endpoint's contract, in order."""

    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...] = ()

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that the model is given."""
        return tuple(column for column in self.inputs if "feature" in column.roles)


class Variant(Record, frozen=True, kw_only=True):
    """A version as it stands behind an endpoint."""

    version: str  # "fraud:3"
    digest: str  # sha256 of the bundle's manifest
    role: VariantRole = "stable"
    weight: int = 100  # share of the traffic in percent; the weights of stable and candidate sum to 100
    form: str = "native"  # which of the bundle's forms answers: "onnx" or "native"
    placement: Placement = "host"


MOST = 1_000_000


class Limits(Record, frozen=True, kw_only=True):
    """What one endpoint takes. Counts are over all workers of a node."""

    timeout_ms: Annotated[
        int, Meta(description="For a whole request, in milliseconds; a caller may ask for less.", ge=1, le=3_600_000)
    ] = 30_000
    max_rows: Annotated[int, Meta(description="Rows of one request.", ge=1, le=10_000_000)] = 10_000
    max_body_bytes: Annotated[
        int,
        Meta(description="Bytes of one body, after decompression.", ge=1 << 16, le=1 << 30),
    ] = 16 * 1024 * 1024
    concurrency: Annotated[int, Meta(description="Requests not answered yet; 0: no limit.", ge=0, le=MOST)] = 1_024
    queue: Annotated[int, Meta(description="Requests that wait for one version in one worker.", ge=1, le=MOST)] = 4_096
    requests_per_second: Annotated[float, Meta(description="Requests a second; 0: no limit.", ge=0, le=MOST)] = 0.0
    burst: Annotated[int, Meta(description="Requests at once; 0: those of one second.", ge=0, le=MOST)] = 0


class EndpointSpec(Record, frozen=True, kw_only=True):
    """What the owner of an endpoint chooses for it."""

    limits: Limits = Limits()
    unseen_category: Annotated[
        Policy,
        Meta(description="A category that training did not see: accept, warn (in a header) or refuse."),
    ] = "accept"
    out_of_range: Annotated[
        Policy,
        Meta(description="A number outside of what training saw: accept, warn or refuse."),
    ] = "accept"
    record_sampling: Annotated[float, Meta(description="Share of the requests that is recorded.", ge=0, le=1)] = 1.0
    cache_entries: Annotated[
        int,
        Meta(
            description="Answers that a worker keeps per version, for repeated requests of up to 8 rows and 2 MB; "
            "0: none.",
            ge=0,
            le=MOST,
        ),
    ] = 0
    dialect: Annotated[
        str,
        Meta(
            description="The wire protocol that answers where several are spoken at one address: oip, tfs, kserve, …",
            max_length=64,
        ),
    ] = ""
    fallback: Annotated[
        str,
        Meta(
            description="The version that answers when the stable one fails, is full or late.",
            max_length=260,
        ),
    ] = ""


class RouteTable(PlaneRecord, frozen=True, kw_only=True):
    """Which variants answer for one endpoint. Immutable; a worker never accepts a lower (epoch, generation)."""

    endpoint: str
    epoch: int
    generation: int
    contract: Signature  # what clients see
    contract_version: int = 1
    task: Task = "other"
    classes: tuple[Category | float, ...] = ()
    variants: tuple[Variant, ...]
    project: str = DEFAULT_PROJECT
    environment: str = DEFAULT_ENVIRONMENT
    spec: EndpointSpec = EndpointSpec()
    # alias → version, of the aliases that point at a variant; clients of other systems call them labels
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def number(self) -> tuple[int, int]:
        """What orders tables of one endpoint."""
        return (self.epoch, self.generation)

    def variant_named(self, wanted: str) -> Variant | None:
        """The variant of that alias, version, number or role."""
        meant = dict(self.labels).get(wanted, wanted)
        for variant in self.variants:
            if meant in (variant.version, variant.version.rpartition(":")[2], variant.role):
                return variant
        return None


Priority = Literal["high", "normal", "low"]  # the highest first


class KeyLimits(Record, frozen=True, kw_only=True):
    """How much may be predicted with one key, over all endpoints and workers of a node, and how urgent that may be.

    In force where keys are required: elsewhere nobody's key is looked at.
    The one place that says it: the database, the API, the command line and the access table take it from here.
    """

    requests_per_second: Annotated[float, Meta(description="0: no limit.", ge=0, le=MOST)] = 0.0
    concurrency: Annotated[int, Meta(description="Requests at once; 0: no limit.", ge=0, le=MOST)] = 0
    priority: Annotated[Priority, Meta(description="The highest that requests with the key may claim.")] = "normal"


class AccessKey(KeyLimits, frozen=True, kw_only=True):
    """One key as the data plane knows it: never the secret."""

    id: str  # public prefix of the key
    sha256: str  # hex digest of the whole key
    actor: str
    # "project/environment" scopes in which the key may predict; "*" stands for all
    predict: tuple[str, ...] = ()
    expires_at: float | None = None  # seconds since 1970


class AccessTable(PlaneRecord, frozen=True, kw_only=True):
    """Who may predict. Its own number, never lowered."""

    epoch: int
    number: int
    required: bool = False  # on loopback without authentication anybody may predict
    signing: str = ""  # in hex: from it the secrets are derived with which requests are signed; empty: none is taken
    keys: tuple[AccessKey, ...] = ()


class SignerTable(PlaneRecord, frozen=True, kw_only=True):
    """Whose bundles may run code, and whose may not be loaded any more. Its own number, never lowered."""

    epoch: int
    number: int
    # public keys, 32 raw bytes in base64
    trusted: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()


class NodeTables(PlaneRecord, frozen=True, kw_only=True):
    """All that one node must know, as the control plane answers the agent's long poll."""

    cursor: int
    routes: tuple[RouteTable, ...]
    access: AccessTable
    # None: the control plane is older than these tables
    signers: SignerTable | None = None


class LoadFailure(PlaneRecord, frozen=True, kw_only=True):
    """Why a worker or a model host could not take a route table."""

    epoch: int
    generation: int
    version: str
    reason: str


class WorkerReport(PlaneRecord, frozen=True, kw_only=True):
    """A worker's heartbeat: what it has loaded and acknowledged."""

    worker: str  # name that stays with the process: "w0-4f2a"
    pid: int
    ready: bool
    draining: bool = False
    # endpoint → (epoch, generation) that answers now
    generations: dict[str, tuple[int, int]] = {}
    # endpoint → why its newest table is not in force
    failures: dict[str, LoadFailure] = {}
    access_number: int = 0
    digests: tuple[str, ...] = ()
    # those in model hosts by which an older table still answers what it has let in
    drains: tuple[str, ...] = ()
    connections: int = 0
    in_flight: int = 0
    requests: int = 0
    # why the certificate in place is not in force; empty while it is, or TLS is off
    certificate_fault: str = ""


class HostReport(PlaneRecord, frozen=True, kw_only=True):
    """A model host as the agent sees it."""

    digest: str
    pid: int
    ready: bool
    restarts: int = 0
    reason: str = ""
    # the interpreter of its own environment; empty where it runs in the agent's
    python: str = ""


class CrashCount(Record, frozen=True, kw_only=True):
    """How many processes of a node have ended while they ran a version."""

    digest: str
    version: str
    workers: int = 0
    hosts: int = 0


class NodeReport(PlaneRecord, frozen=True, kw_only=True):
    """The agent's heartbeat to the control plane."""

    node: str
    agent_pid: int
    port: int
    grpc_port: int = 0  # none
    workers: tuple[WorkerReport, ...] = ()
    hosts: tuple[HostReport, ...] = ()
    # endpoint → why its newest table was not given to the workers (fetch, smoke test)
    failures: dict[str, LoadFailure] = {}
    crashes: tuple[CrashCount, ...] = ()
    # endpoints whose newest table waits until an environment is built
    building: tuple[str, ...] = ()
    # those whose newest table waits until a framework is imported
    importing: tuple[str, ...] = ()


class Refresh(PlaneRecord, frozen=True, kw_only=True, tag="refresh"):
    """Agent → worker: look at `tables/` again."""


class Drain(PlaneRecord, frozen=True, kw_only=True, tag="drain"):
    """Agent → worker: answer what is there, say `Connection: close`, then exit."""


class HandOver(PlaneRecord, frozen=True, kw_only=True, tag="hand_over"):
    """Agent → worker: send me the listening socket (SCM_RIGHTS), I take over the port."""


WorkerCommand = Refresh | Drain | HandOver
