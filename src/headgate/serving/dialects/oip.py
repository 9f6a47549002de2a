"""Open Inference Protocol v2 over HTTP, as Triton, MLServer and KServe speak it.

Sources: kserve/open-inference-protocol, `specification/protocol/inference_rest.md`; the extensions of
triton-inference-server/server, `docs/protocol/`.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from headgate import __version__
from headgate.errors import Forbidden, HeadgateError, Malformed, NotFound, Unavailable
from headgate.serving.contract import Contract
from headgate.serving.dialects import oip_facts
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Shown, Write
from headgate.serving.dialects.oip_answer import Writer
from headgate.serving.dialects.oip_request import ACCEPT, HEADER_LENGTH, RequestDecoder
from headgate.serving.formats.format import Decode, Origin
from headgate.serving.responses import JSON, Whole, error_headers, head_of
from headgate.settings import Settings

MODEL = "/v2/models/{endpoint}"
VERSION = f"{MODEL}/versions/{{version}}"
# what a path names here may be no endpoint, and the refusal says so in words of its own
STORED = "/v2/repository/models/{label}"
EXTENSIONS = (
    "classification", "model_repository", "model_configuration", "binary_tensor_data", "parameters", "statistics",
)  # fmt: skip
# how each of the servers says that there is no such model, and that there is no such version of it
UNKNOWN: dict[str, Callable[[str, str], str]] = {
    "triton": lambda name, version: (
        f"Request for unknown model: '{name}'{version and f' version {version}'} is not found"
    ),
    "mlserver": lambda name, version: f"Model {name}{version and f' with version {version}'} not found",
    "kserve": lambda name, _version: f"Model with name {name} does not exist.",
}


class OpenInference:
    """The dialect."""

    name = "oip"
    routes = (
        Route("GET", "/v2", "server"),
        Route("GET", "/v2/", "server"),
        Route("GET", "/v2/health/live", "live", public=True),
        Route("GET", "/v2/health/ready", "ready", public=True),
        Route("GET", "/v2/models", "models"),
        Route("GET", "/v2/models/stats", "all_stats"),
        *(
            route
            for path in (MODEL, VERSION)
            for route in (
                Route("GET", path, "model"),
                Route("GET", f"{path}/ready", "model_ready"),
                Route("GET", f"{path}/config", "config"),
                Route("GET", f"{path}/stats", "stats"),
                Route("POST", f"{path}/infer", PREDICT),
            )
        ),
        Route("POST", "/v2/repository/index", "index"),
        Route("POST", f"{STORED}/load", "load"),
        Route("POST", f"{STORED}/unload", "unload"),
    )
    headers = (HEADER_LENGTH, ACCEPT)
    inline_bytes = float("inf")

    def __init__(self) -> None:
        self._unknown = UNKNOWN["triton"]

    def configure(self, settings: Settings) -> None:
        """Say that there is no such model as the server that was chosen."""
        self._unknown = UNKNOWN[settings.oip_errors]

    def decoder(self, contract: Contract) -> Decode:
        """Decode a request with tensors."""
        return RequestDecoder(contract).decode

    def encoder(self, origin: Origin) -> Write:
        """Encode the tensors that are asked for."""
        return Writer(origin).write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"error"}`."""
        status = 400 if error.status == 422 else error.status
        message = error.message
        if isinstance(error, NotFound) and error.detail and "endpoint" in error.detail[0]:
            message = self._unknown(error.detail[0]["endpoint"][:128], error.detail[0].get("version", ""))
        return head_of(status, JSON, error_headers(error)), orjson.dumps({"error": message})

    def tell(self, question: Question, node: Node) -> Whole:
        """Health, and what there is."""
        answer: Any = getattr(self, f"_{question.does}")(question, node)
        return head_of(200, JSON), orjson.dumps(answer)

    def _server(self, _question: Question, node: Node) -> Any:
        return {"name": node.name, "version": __version__, "extensions": EXTENSIONS}

    def _live(self, _question: Question, _node: Node) -> Any:
        return {"live": True}

    def _ready(self, _question: Question, node: Node) -> Any:
        if not node.ready:
            raise Unavailable("Not every endpoint has a usable version yet.", retry_after=1.0)
        return {"ready": True}

    def _models(self, _question: Question, node: Node) -> Any:
        return {"models": [shown.name for shown in node.endpoints()]}

    def _model(self, question: Question, _node: Node) -> Any:
        return oip_facts.metadata(named(question))

    def _config(self, question: Question, _node: Node) -> Any:
        return oip_facts.config(named(question))

    def _model_ready(self, question: Question, _node: Node) -> Any:
        shown = named(question)
        if not shown.ready:
            raise Unavailable(f"{shown.name} does not answer yet.", retry_after=1.0)
        return {"name": shown.name, "ready": True}

    def _stats(self, question: Question, node: Node) -> Any:
        return {"model_stats": list(oip_facts.statistics(named(question), question.version, node.totals()))}

    def _all_stats(self, _question: Question, node: Node) -> Any:
        totals = node.totals()
        found = [each for shown in node.endpoints() for each in oip_facts.statistics(shown, "", totals)]
        return {"model_stats": found}

    def _index(self, question: Question, node: Node) -> Any:
        try:
            wanted = msgspec.json.decode(question.body or b"{}", type=Index)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Malformed(f'Expected {{"ready"}} as JSON: {error}.') from None
        seen = [shown for shown in node.endpoints() if shown.ready or not wanted.ready]
        return [entry for shown in seen for entry in oip_facts.index(shown)]

    def _load(self, question: Question, node: Node) -> Any:
        shown = self._stored(question, node, "load")
        if b'"config"' in question.body or b'"file:' in question.body:
            raise Malformed(f"failed to load '{shown.name}': it is deployed from the registry, with its own files")
        if not shown.ready:
            raise Unavailable(f"failed to load '{shown.name}': it is still being loaded", retry_after=1.0)
        return {"name": shown.name, "load": True}

    def _unload(self, question: Question, node: Node) -> Any:
        shown = self._stored(question, node, "unload")
        if node.guarded:
            raise Forbidden(
                f"failed to unload '{shown.name}': that needs a permission that keys for predictions do not carry"
            )
        raise Malformed(
            f"failed to unload '{shown.name}': endpoints are taken away by `headgate endpoint delete {shown.name}`"
        )

    def _stored(self, question: Question, node: Node, what: str) -> Shown:
        """The endpoint of that name, if the caller may see it; raises `NotFound`."""
        name = question.version
        found = next((shown for shown in node.endpoints() if shown.name == name), None)
        if found is None:
            raise NotFound(f"failed to {what} '{name[:128]}', {self._unknown(name[:128], '')}")
        return found


class Index(msgspec.Struct):
    """What is asked of the repository's index."""

    ready: bool = False


def named(question: Question) -> Shown:
    """The endpoint of a question; raises `NotFound` where it names a version that is not behind it."""
    shown = question.endpoint
    if shown is None:
        raise NotFound("The path names no model, and there is no default one.")
    if question.version and question.version not in shown.versions:
        detail = {"endpoint": shown.name, "version": question.version[:64]}
        raise NotFound(f"There is no version {question.version[:64]!r} behind {shown.name}.", detail=[detail])
    return shown
