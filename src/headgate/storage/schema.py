"""All tables. Times are ISO 8601 text (see `now`); names have a `folded` twin that is unique; JSON that is hashed or
addressed by its bytes is text."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

NAME, TIME, DIGEST = String(128), String(27), String(64)

# epoch, salt, id of the instance, cursors: one row each
instance = Table(
    "instance",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- ledger

events = Table(
    "events",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", TIME, nullable=False),
    Column("actor", DIGEST, nullable=False),  # digest in personal_texts
    Column("verb", String(64), nullable=False),
    Column("object", String(300), nullable=False),
    Column("reason", String(64), nullable=False),  # digest in personal_texts, or empty
    Column("before", Text, nullable=False),  # canonical JSON
    Column("after", Text, nullable=False),  # canonical JSON
    Column("previous", DIGEST, nullable=False),
    Column("hash", DIGEST, nullable=False),
    Column("signature", String(128), nullable=False),
    Index(None, "object"),
    Index(None, "actor"),
)

# one row, locked by whoever appends
ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", DIGEST, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# what can be erased without breaking the chain: the chain holds only salted digests of it
personal_texts = Table(
    "personal_texts",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("kind", String(16), nullable=False),  # actor, reason, value
    Column("salt", LargeBinary),  # both empty once erased
    Column("text", Text),
    Index(None, "kind"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", NAME, nullable=False),
    Column("verb", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("body_digest", DIGEST, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", TIME, nullable=False),
    PrimaryKeyConstraint("actor", "verb", "key"),
    Index(None, "at"),
)

# --- identity

actors = Table(
    "actors",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", NAME, nullable=False),
    Column("folded", NAME, nullable=False),
    Column("kind", String(16), nullable=False),  # person, service
    Column("created_at", TIME, nullable=False),
    Column("deleted_at", TIME),
    UniqueConstraint("folded"),
)

grants = Table(
    "grants",
    metadata,
    Column("actor_id", String(32), ForeignKey("actors.id"), nullable=False),
    Column("role", String(32), nullable=False),
    Column("project", NAME, nullable=False),  # a project's name or "*"
    Column("environment", NAME, nullable=False),  # an environment's name or "*"
    PrimaryKeyConstraint("actor_id", "role", "project", "environment"),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", String(16), primary_key=True),  # public prefix
    Column("sha256", DIGEST, nullable=False),  # of the whole key
    Column("actor_id", String(32), ForeignKey("actors.id"), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("created_by", NAME, nullable=False),
    Column("expires_at", TIME),
    Column("revoked_at", TIME),
    # of predictions with the key, on each node; 0: no limit
    Column("requests_per_second", Float, nullable=False, server_default="0"),
    Column("concurrency", Integer, nullable=False, server_default="0"),
    Column("priority", String(16), nullable=False, server_default="normal"),  # the highest that may be claimed
    Index(None, "actor_id"),
)

# --- registry

projects = Table(
    "projects",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("folded", NAME, nullable=False),
    Column("created_at", TIME, nullable=False),
    UniqueConstraint("folded"),
)

environments = Table(
    "environments",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("folded", NAME, nullable=False),
    Column("needs_approval", Boolean, nullable=False),
    UniqueConstraint("folded"),
)

models = Table(
    "models",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("folded", NAME, nullable=False),
    Column("project", NAME, ForeignKey("projects.name"), nullable=False),
    Column("owner", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", JSON, nullable=False),  # name → text
    Column("last_number", Integer, nullable=False),
    Column("revision", Integer, nullable=False),  # grows with every change of the model, its versions and aliases
    Column("created_at", TIME, nullable=False),
    UniqueConstraint("folded"),
)

versions = Table(
    "versions",
    metadata,
    Column("model", NAME, ForeignKey("models.name"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", DIGEST, nullable=False),  # of the manifest
    Column("manifest", Text, nullable=False),  # the very bytes the digest is of
    Column("artifact", DIGEST, nullable=False),  # of the stored .hgb
    Column("size", BigInteger, nullable=False),  # bytes of the artifact
    Column("signed_by", Text, nullable=False),  # id of the signing key, or empty
    Column("state", String(16), nullable=False),
    Column("registered_at", TIME, nullable=False),
    Column("registered_by", NAME, nullable=False),
    PrimaryKeyConstraint("model", "number"),
    UniqueConstraint("digest"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("model", NAME, nullable=False),
    Column("folded", NAME, nullable=False),
    Column("alias", NAME, nullable=False),
    Column("number", Integer, nullable=False),
    PrimaryKeyConstraint("model", "folded"),
    ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
)

# who is about to register an artifact, or to remove one that no version refers to
artifact_claims = Table(
    "artifact_claims",
    metadata,
    Column("digest", DIGEST, nullable=False),
    Column("holder", String(32), nullable=False),
    Column("purpose", String(16), nullable=False),  # upload, collection
    Column("until", TIME, nullable=False),
    PrimaryKeyConstraint("digest", "holder"),
)

# --- endpoints and rollouts

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("folded", NAME, nullable=False),
    Column("project", NAME, ForeignKey("projects.name"), nullable=False),
    Column("environment", NAME, ForeignKey("environments.name"), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("created_by", NAME, nullable=False),
    # kept after deletion, so that a new endpoint of that name goes on counting generations
    Column("deleted", Boolean, nullable=False),
    UniqueConstraint("folded"),
)

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("endpoint", NAME, ForeignKey("endpoints.name"), nullable=False),
    Column("from_version", String(200)),
    Column("to_version", String(200)),
    Column("strategy", String(32), nullable=False),
    Column("spec", JSON, nullable=False),  # options of the strategy
    Column("state", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("by", NAME, nullable=False),
    Column("started_at", TIME, nullable=False),
    Column("ended_at", TIME),
    Column("revision", Integer, nullable=False),  # optimistic lock
    Index(None, "endpoint", "started_at"),
    # at most one rollout of an endpoint is under way, whatever two controllers believe
    Index(
        "uq_rollouts_active",
        "endpoint",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

route_tables = Table(
    "route_tables",
    metadata,
    Column("endpoint", NAME, ForeignKey("endpoints.name"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("body", Text, nullable=False),  # JSON of the RouteTable
    Column("at", TIME, nullable=False),
    Column("rollout", String(64), ForeignKey("rollouts.id")),
    PrimaryKeyConstraint("endpoint", "epoch", "generation"),
    Index(None, "endpoint", "at"),
)
