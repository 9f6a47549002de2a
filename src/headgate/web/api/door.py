"""What is checked on every request before anything looks at it, and what every answer carries.

A browser on this machine can be made to send requests here by any page: the names in `Host` and `Origin` are compared
whole, with their ports, and nothing is ever allowed across origins.
"""

import secrets
from collections.abc import Awaitable, Container
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headgate.errors import (
    Forbidden,
    HeadersTooLarge,
    HeadgateError,
    InvalidName,
    Malformed,
    MethodNotAllowed,
    TargetTooLong,
    TooLarge,
    UnsupportedType,
)
from headgate.names import shown
from headgate.origins import own_origins
from headgate.settings import Settings
from headgate.web.api.faults import error_response
from headgate.web.api.guards import API

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
BUNDLE_TYPE = "application/vnd.headgate.bundle"
UPLOAD = f"{API}/versions"
MAX_JSON_BYTES = 1024 * 1024
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Door:
    """The outermost of our ASGI applications. Not a coroutine function: it only chooses which awaitable goes on."""

    def __init__(self, app: ASGIApp, settings: Settings, port: int) -> None:
        self._app = app
        self._settings = settings
        self._origins = own_origins(settings, port)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            # "lifespan", or a websocket, for which there is no route
            return self._app(scope, receive, send)
        identity = secrets.token_hex(8)
        scope.setdefault("state", {})["id"] = identity
        send = _with_headers(send, identity)
        try:
            self._check(scope, Headers(scope=scope))
        except HeadgateError as error:
            return error_response(error, identity, {"Connection": "close"})(scope, receive, send)
        return self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._settings.max_header_bytes:
            raise HeadersTooLarge(f"The headers are over {self._settings.max_header_bytes} bytes.")
        if len(scope["raw_path"]) + len(scope["query_string"]) > self._settings.max_target_bytes:
            raise TargetTooLong(f"The address is over {self._settings.max_target_bytes} bytes.")
        check_host(headers, self._origins.hosts)
        check_origin(headers, self._origins.pages)
        if scope["method"] not in METHODS:
            raise MethodNotAllowed(f"{shown(scope['method'], 20)} is not taken here.")
        scope["path"] = decode_path(scope["raw_path"])
        check_body(scope, headers, self._settings.max_bundle_bytes)


def _with_headers(send: Send, identity: str) -> Send:
    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update({**SECURITY_HEADERS, "Headgate-Id": identity})
        return send(message)

    return sending


def check_host(headers: Headers, hosts: Container[str]) -> None:
    """Raises `Malformed` unless there is exactly one `Host`, and it is one of ours."""
    given = headers.getlist("host")
    if len(given) != 1 or given[0].lower() not in hosts:
        said = ", ".join(shown(each) for each in given[:2]) or "none"
        raise Malformed(f"Expected a Host of this instance, got {said}. Name it in the setting allowed_hosts.")


def check_origin(headers: Headers, pages: Container[str]) -> None:
    """Raises `Forbidden` for whatever a page of another origin has sent."""
    for origin in headers.getlist("origin"):
        if not _is_ours(origin, pages):
            raise Forbidden(f"Requests from the origin {shown(origin)} are refused.")
    for site in headers.getlist("sec-fetch-site"):
        if site not in ("same-origin", "none"):
            raise Forbidden(f"A {shown(site, 20)} request is refused: open this instance's own address instead.")


def _is_ours(origin: str, pages: Container[str]) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and origin == f"{parts.scheme}://{parts.netloc}" and parts.netloc in pages


def decode_path(raw: bytes) -> str:
    """The path, decoded exactly once: what is routed is what was checked.

    Raises `InvalidName` when a part of it decodes to something no name of ours ever holds.
    """
    parts = []
    for part in raw.split(b"/"):
        try:
            text = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            text = "/"
        if text in (".", "..") or any(letter in "/\\" or ord(letter) < 32 or ord(letter) == 127 for letter in text):
            raise InvalidName(f"{shown(part.decode('ascii', 'replace'))} is no name: see the grammar of names.")
        parts.append(text)
    return "/".join(parts)


def check_body(scope: Scope, headers: Headers, bundle_bytes: int) -> None:
    """Raises `UnsupportedType` and `TooLarge` from the headers alone: before a byte of the body is read."""
    length = headers.get("content-length", "0")
    if length == "0" and "transfer-encoding" not in headers:
        return
    is_upload = _is_upload(scope["method"], scope["path"])
    _require_type(headers, BUNDLE_TYPE if is_upload else "application/json")
    limit = bundle_bytes if is_upload else MAX_JSON_BYTES
    if not (length.isascii() and length.isdigit()) or int(length) > limit:
        raise TooLarge(f"The body has {shown(length, 20)} bytes, {limit} are allowed.")


def body_limit(method: str, raw_path: bytes, bundle_bytes: int) -> int:
    """How many bytes a request to this address may have, also where it does not say how many it has."""
    try:
        is_upload = _is_upload(method, decode_path(raw_path))
    except InvalidName:
        # refused whatever it holds
        is_upload = False
    return bundle_bytes if is_upload else MAX_JSON_BYTES


def _is_upload(method: str, path: str) -> bool:
    return method == "POST" and path == UPLOAD


def _require_type(headers: Headers, expected: str) -> None:
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != expected or "content-encoding" in headers:
        got = shown(given) if given else "no type"
        raise UnsupportedType(f"Expected a body of {expected}, not encoded, got {got}.")
