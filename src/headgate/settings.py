"""Every setting, declared once: name, type, default, help and what a change costs.

Command-line flags, environment variables (`HEADGATE_*`), `headgate.toml` and the reference in the docs are derived from
here. A flag beats the environment, the environment beats the file, the file beats the default.
"""

import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from headgate.conversion import converter
from headgate.errors import Malformed, Refused, Unavailable

# how a process that starts another hands its settings on: as JSON, so that both mean the same
HANDED_ON = "HEADGATE_SETTINGS"
GRPC_MISSING = "gRPC is not spoken: it needs grpcio. pip install 'headgate[grpc]'"
# settings that name a file or folder
FILES = frozenset({"tls_cert", "tls_key", "wheel_folder"})
OTEL_MISSING = "The setting otlp_endpoint needs OpenTelemetry: pip install 'headgate[otel]', or leave it empty."
# a folder, or a URL
FOLDERS = frozenset({"artifacts"})
# what only the control plane needs to know, and the agent that starts it: they may hold passwords
OF_CONTROL = frozenset({"database", "artifacts"})


def _declared(help_text: str, change: str) -> Meta:
    return Meta(description=help_text, extra={"change": change})


PORT = Meta(ge=0, le=65_535)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator can choose for one instance."""

    host: Annotated[str, _declared("Address that all ports listen on.", "restart")] = "127.0.0.1"
    port: Annotated[int, PORT, _declared("Port of the data plane: predictions.", "restart")] = 8000
    grpc_port: Annotated[
        int,
        PORT,
        _declared(
            "Port of the data plane for gRPC, where the extra grpc is installed; 0: none, which saves its memory.",
            "restart",
        ),
    ] = 8001
    control_port: Annotated[int, PORT, _declared("Port of the control plane: the API.", "restart")] = 8090
    workers: Annotated[int, _declared("Worker processes of this node.", "restart")] = 1
    require_keys: Annotated[bool, _declared("Predictions need a key too. Must be on beyond loopback.", "restart")] = (
        False
    )
    default_endpoint: Annotated[
        str,
        _declared("The endpoint that a path without a name means; empty: the only one, if there is one.", "restart"),
    ] = ""
    server_name: Annotated[
        str, _declared("What the server calls itself to clients of other systems, for those that ask.", "restart")
    ] = "headgate"
    oip_errors: Annotated[
        Literal["triton", "mlserver", "kserve"],
        _declared("Whose words tell a client of the Open Inference Protocol that there is no such model.", "restart"),
    ] = "triton"
    tls_cert: Annotated[
        str,
        _declared(
            "File of the certificate and its chain (PEM): both ports speak TLS. What changes in it is taken at once.",
            "restart",
        ),
    ] = ""
    tls_key: Annotated[
        str, _declared("File of the certificate's key (PEM), where tls_cert does not hold it too.", "restart")
    ] = ""
    behind_proxy: Annotated[
        bool, _declared("A proxy in front terminates TLS. Beyond loopback it is this or tls_cert.", "restart")
    ] = False
    allowed_hosts: Annotated[
        str,
        _declared(
            "Comma-separated names, with a port where it is not ours, that `Host` may carry besides loopback's and the "
            "address listened on. Needed behind a proxy that passes its own name on.",
            "restart",
        ),
    ] = ""
    database: Annotated[
        str,
        _declared(
            "Database: postgresql://user@host/name; empty for the SQLite file in the home. A password belongs into "
            "HEADGATE_DATABASE, headgate.toml or ~/.pgpass rather than on the command line.",
            "restart of the control plane",
        ),
    ] = ""
    artifacts: Annotated[
        str,
        _declared(
            "Artifact store: a folder, or s3://bucket/prefix (gs://, az://) with credentials in the environment; empty "
            "for the folder in the home.",
            "restart of the control plane",
        ),
    ] = ""
    log_format: Annotated[
        Literal["text", "json"], _declared("How log lines are written: text, or json for a collector.", "restart")
    ] = "text"
    drain_seconds: Annotated[
        float, _declared("How long a leaving worker finishes requests and waits for idle connections.", "restart")
    ] = 5.0
    heartbeat_seconds: Annotated[float, _declared("Pause between two heartbeats of a worker.", "restart")] = 0.5
    hang_seconds: Annotated[
        float, _declared("Silence after which a worker counts as hung and is replaced.", "restart")
    ] = 10.0
    acknowledge_seconds: Annotated[
        float, _declared("A worker that has not taken a rollback after this long is replaced.", "restart")
    ] = 10.0
    load_seconds: Annotated[
        float, _declared("Deadline for loading and verifying one version, and for importing its framework.", "restart")
    ] = 120.0
    build_environments: Annotated[
        bool,
        _declared(
            "Build an environment of its own for a bundle whose packages are not those installed here, when a trusted "
            "key has signed it; otherwise the version is refused.",
            "restart",
        ),
    ] = True
    build_seconds: Annotated[float, _declared("Deadline for building one environment.", "restart")] = 600.0
    wheel_folder: Annotated[
        str,
        _declared("Folder of wheels that environments are built from; no package index is asked then.", "restart"),
    ] = ""
    host_memory_bytes: Annotated[
        int, _declared("A model host that takes more memory than this is ended.", "restart of the model hosts")
    ] = 4 * 1024**3
    host_growth_bytes: Annotated[
        int,
        _declared(
            "A model host that gained this much memory since it was ready is replaced, between two requests.",
            "restart",
        ),
    ] = 512 * 1024**2
    host_threads: Annotated[
        int, _declared("A model host with more threads is replaced, between two requests.", "restart")
    ] = 256
    host_processes: Annotated[
        int,
        _declared(
            "Processes that a model may have below its host. 0: the kernel refuses to start any; otherwise a host with "
            "more is ended.",
            "restart of the model hosts",
        ),
    ] = 0
    host_open_files: Annotated[
        int, _declared("Files and sockets that a model host may have open.", "restart of the model hosts")
    ] = 1024
    host_file_bytes: Annotated[
        int, _declared("Longest file that a model host may write.", "restart of the model hosts")
    ] = 256 * 1024**2
    host_call_seconds: Annotated[
        float,
        _declared(
            "Longest that one call of a model in a host may take, whatever its callers' deadlines; then the host is "
            "ended.",
            "restart of the model hosts",
        ),
    ] = 60.0
    max_header_bytes: Annotated[int, _declared("Limit for a request's headers.", "restart")] = 16_384
    max_target_bytes: Annotated[int, _declared("Limit for a request's target.", "restart")] = 4_096
    header_seconds: Annotated[
        float, _declared("Deadline for a TLS handshake, and for a request's headers.", "restart")
    ] = 10.0
    receive_seconds: Annotated[
        float, _declared("Deadline for receiving one whole request, and for a client to take an answer.", "restart")
    ] = 30.0
    slowest_bytes_per_second: Annotated[
        int, _declared("What takes longer than receive_seconds goes on while it moves at least so fast.", "restart")
    ] = 16_384
    max_received_bytes: Annotated[
        int, _declared("Bytes of large bodies that a worker holds at once; beyond them it answers 503.", "restart")
    ] = 256 * 1024 * 1024
    keep_alive_seconds: Annotated[float, _declared("An idle connection is closed after this long.", "restart")] = 75.0
    max_bundle_bytes: Annotated[
        int, _declared("Limit for one bundle that is sent to be registered.", "restart of the control plane")
    ] = 4 * 1024**3
    cache_bytes: Annotated[
        int,
        _declared(
            "Room for unpacked bundles on a node. What serves, or did before the last deployment, stays in any case; "
            "of the rest the least recently used go first.",
            "restart of the agent",
        ),
    ] = 20 * 1024**3
    cache_days: Annotated[
        float, _declared("An unpacked bundle that was not used for so long leaves the node.", "restart of the agent")
    ] = 30.0
    spool_bytes: Annotated[
        int, _declared("Room for records on one worker; the oldest are dropped beyond it.", "restart")
    ] = 256 * 1024 * 1024

    otlp_endpoint: Annotated[
        str,
        _declared(
            "URL of an OpenTelemetry collector (OTLP/HTTP, such as http://127.0.0.1:4318) that is sent a span of every "
            "sampled prediction; empty for none. Needs the extra otel.",
            "restart",
        ),
    ] = ""
    trace_ratio: Annotated[
        float,
        Meta(ge=0, le=1),
        _declared(
            "Share of the requests without a traceparent that are sampled. Of those with one, the caller says.",
            "restart",
        ),
    ] = 0.0

    @property
    def scheme(self) -> str:
        """How the URLs of both ports begin."""
        return "https" if self.tls_cert else "http"


_handed_on = msgspec.json.Decoder(Settings)
_settings = converter(Settings, strict=False)


def setting_declarations() -> list[dict[str, Any]]:
    """Name, type, default, help and cost of change of every setting, for flags and docs."""
    info = msgspec.inspect.type_info(Settings)
    assert isinstance(info, msgspec.inspect.StructType)
    declared = []
    for field in info.fields:
        assert isinstance(field.type, msgspec.inspect.Metadata)
        schema = field.type.extra_json_schema or {}
        declared.append(
            {
                "name": field.name,
                "type": type(field.default).__name__,
                "default": field.default,
                "help": schema.get("description", ""),
                "change": (field.type.extra or {}).get("change", ""),
            }
        )
    return declared


def load_settings(
    home: Path,
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> Settings:
    """Settings from flags (None means not given), `HEADGATE_*` and `headgate.toml` beside or inside the home.

    `defaults` stand before those that are declared.

    Raises `Malformed` with the name and the expected type.
    """
    chosen: dict[str, Any] = {**defaults, **_from_file(home)}
    for name in Settings.__struct_fields__:
        if (text := environment.get(f"HEADGATE_{name.upper()}")) is not None:
            chosen[name] = text
    chosen |= {name: value for name, value in flags.items() if value is not None}
    for name in (FILES | FOLDERS) & chosen.keys():
        # whoever is handed this on may run in another folder
        chosen[name] = _absolute(chosen[name], Path())
    try:
        return _settings(chosen)
    except msgspec.ValidationError as error:
        raise Malformed(f"A setting is wrong: {error}. See `headgate up --help` for names and types.") from error


def _absolute(place: Any, folder: Path) -> Any:
    """A path below the folder; what is empty, a URL or no text stays as it is."""
    if not isinstance(place, str) or not place or "://" in place:
        return place
    return str((folder / place).absolute())


def without_control(settings: Settings) -> Settings:
    """As processes get them that never touch database or artifact store."""
    return msgspec.structs.replace(settings, **dict.fromkeys(OF_CONTROL, ""))


def to_environment(settings: Settings) -> dict[str, str]:
    """The variable in which `read_settings` of a process that is started finds these."""
    return {HANDED_ON: msgspec.json.encode(settings).decode()}


def read_settings(home: Path, environment: Mapping[str, str]) -> Settings:
    """As whoever started this process has handed them on, else from environment and file. Raises `Malformed`."""
    text = environment.get(HANDED_ON)
    if not text:
        return load_settings(home, environment, {})
    try:
        return _handed_on.decode(text)
    except ValueError as error:
        raise Malformed(f"Expected settings as JSON in {HANDED_ON}, got: {error}.") from error


def check_exposure(settings: Settings) -> None:
    """Nothing listens beyond loopback without keys and TLS, ours or that of a proxy; raises `Refused`."""
    if is_loopback(settings.host) or (settings.require_keys and (settings.tls_cert or settings.behind_proxy)):
        return
    raise Refused(
        f"Expected --require-keys and TLS to listen on {settings.host}, which other machines reach: got "
        f"require_keys={settings.require_keys}, tls_cert={settings.tls_cert!r}, behind_proxy={settings.behind_proxy}. "
        "Add --require-keys, and --tls-cert with --tls-key, or --behind-proxy where a proxy in front terminates TLS; "
        "or stay on 127.0.0.1."
    )


def check_tracing(settings: Settings) -> None:
    """Whether what is sampled can be sent: raises `Malformed` for no URL, `Unavailable` without the extra."""
    endpoint = settings.otlp_endpoint
    if not endpoint:
        if settings.trace_ratio:
            raise Malformed(f"trace_ratio is {settings.trace_ratio:g}, and otlp_endpoint names no collector. Set it.")
        return
    if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname:
        raise Malformed(f"Expected otlp_endpoint to be a URL such as http://127.0.0.1:4318, got {endpoint!r}.")
    try:
        installed = find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        installed = False
    if not installed:
        raise Unavailable(OTEL_MISSING)


def has_grpc() -> bool:
    """Whether the extra grpc is installed; nothing of it is imported."""
    return all(find_spec(name) is not None for name in ("grpc", "grpc_health", "grpc_reflection"))


def grpc_status(port: int) -> dict[str, Any]:
    """The port of a node, for those who ask how it is; `reason` says why there is none."""
    if port:
        return {"port": port, "reason": ""}
    return {"port": None, "reason": "The setting grpc_port is 0." if has_grpc() else GRPC_MISSING}


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reachable(host: str) -> str:
    """A listened-on address as it stands in a URL; "all addresses" are reached on loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _from_file(home: Path) -> dict[str, Any]:
    for path in (home / "headgate.toml", home.parent / "headgate.toml"):
        if path.is_file():
            try:
                found = tomllib.loads(path.read_text())
                # the file's own folder is where the files that it names are looked for
                places = (FILES | FOLDERS) & found.keys()
                return found | {name: _absolute(found[name], path.parent) for name in places}
            except tomllib.TOMLDecodeError as error:
                raise Malformed(f"{path} is not TOML: {error}.") from error
    return {}
