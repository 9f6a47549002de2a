"""Every address of the data plane in one table: our own, then those of the dialects, without and with their names."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from headgate.errors import Malformed, NotFound
from headgate.names import validate_name
from headgate.serving.dialects.dialect import PREDICT, Dialect
from headgate.serving.request_headers import shown
from headgate.serving.responses import Shape, native_error

_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PLACE = re.compile(r"\\{(\w+)\\}")
PREFIX = "/v1/endpoints/"
ANY_VERSION = "0"  # what clients write that name a version always


class Address(NamedTuple):
    """A method and a path; what is not public needs a key wherever keys are required."""

    method: str
    path: str  # {endpoint} stands for an endpoint's name
    answer: str  # PREDICT, or what else is done
    public: bool = False
    dialect: Dialect | None = None  # none: it is our own
    any_case: bool = False


class Found(NamedTuple):
    """An address, and what its path names."""

    address: Address
    endpoint: str  # empty where the path has none
    version: str  # or a label


NATIVE = (
    Address("GET", "/healthz", "healthz", public=True),
    Address("GET", "/readyz", "readyz", public=True),
    Address("GET", "/metrics", "metrics"),
    Address("GET", "/v1/endpoints", "endpoints"),
    Address("GET", "/v1/endpoints/{endpoint}", "endpoint"),
    Address("GET", "/v1/endpoints/{endpoint}/openapi.json", "openapi"),
    Address("POST", "/v1/endpoints/{endpoint}/predict", PREDICT),
)


class AddressTable:
    """All addresses, found by path."""

    def __init__(self, dialects: Sequence[Dialect] = ()) -> None:
        self.addresses = NATIVE + tuple(address for dialect in dialects for address in _spoken(dialect))
        # where a version may be named it need not be
        self._predicting = [
            (dialect, route)
            for dialect in dialects
            for route in dialect.routes
            if route.does == PREDICT and not any(place in route.path for place in ("{version}", "{label}"))
        ]
        self._owners = _owners(self.addresses)
        self._patterns = [(_pattern(address), address) for address in self.addresses]

    def find(self, path: str) -> list[Found]:
        """The addresses of a path, one or more per method; raises `NotFound`, or `InvalidName` for an endpoint's."""
        matches = [(pattern.fullmatch(path), address) for pattern, address in self._patterns]
        found = [_found(match.groupdict(), address) for match, address in matches if match is not None]
        if not found:
            raise NotFound("There is nothing at this address; GET /v1/endpoints lists the endpoints.")
        return found

    def spoken(self, endpoint: str, wanted: str, *, is_default: bool) -> list[dict[str, str]]:
        """Where an endpoint predicts in other dialects: below their names where another one comes first at a path."""
        found = []
        for dialect, route in self._predicting:
            if "{endpoint}" not in route.path and not is_default:
                continue
            path = route.path.replace("{endpoint}", endpoint)
            here = [one for one in self.find(path) if one.address.method == route.method]
            prefix = "" if meant(here, wanted).address.dialect is dialect else f"/{dialect.name}"
            found.append({"dialect": dialect.name, "method": route.method, "path": prefix + path})
        return found

    def shape_of(self, path: str) -> Shape:
        """How errors are written to whoever asks for a path below the first name of a dialect, known or not."""
        owner = self._owners.get(_first_name(path))
        return owner.error if owner is not None else native_error


def meant(found: Sequence[Found], wanted: str) -> Found:
    """Of several dialects that are spoken at one address the wanted one, or the first."""
    named = (one for one in found if one.address.dialect is not None and one.address.dialect.name == wanted)
    return next(named, found[0])


def check_name(found: Found) -> None:
    """Raises `InvalidName` for an endpoint's."""
    if "{endpoint}" in found.address.path:
        validate_name(found.endpoint, "name of an endpoint")


def _spoken(dialect: Dialect) -> list[Address]:
    prefixes = "", f"/{dialect.name}"
    return [
        Address(route.method, prefix + route.path, route.does, route.public, dialect, route.any_case)
        for prefix in prefixes
        for route in dialect.routes
    ]


def _owners(addresses: Iterable[Address]) -> dict[str, Dialect]:
    """First name of a path → the one dialect that has addresses below it; what is ours too belongs to none."""
    spoken: dict[str, set[Dialect | None]] = {}
    for address in addresses:
        spoken.setdefault(_first_name(address.path), set()).add(address.dialect)
    alone = {name: next(iter(dialects)) for name, dialects in spoken.items() if len(dialects) == 1}
    return {name: dialect for name, dialect in alone.items() if dialect is not None}


def _first_name(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


def _pattern(address: Address) -> re.Pattern[str]:
    text = _PLACE.sub(r"(?P<\1>[^/]*?)", re.escape(address.path))
    return re.compile(text, re.IGNORECASE if address.any_case else 0)


def _found(named: dict[str, str], address: Address) -> Found:
    version = named.get("version", named.get("label", ""))
    return Found(address, named.get("endpoint", ""), "" if version == ANY_VERSION else version)


def path_of(target: bytes) -> str:
    """The path of a target, decoded once; raises `Malformed` for what is no path."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/"):
        raise Malformed(
            f"Expected a path as the target, got {shown(path)}. Send what stands behind the server's name, "
            f"and reach this server directly: only proxies are asked with whole URLs."
        )
    if wrong := _ESCAPE.search(path):
        place = wrong.start()
        raise Malformed(
            f"Expected two hex digits after each % of the path, got {shown(path[place : place + 3])}. Write % as %25."
        )
    try:
        text = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise Malformed("Expected UTF-8 in the path's escapes, got other bytes. Encode the text as UTF-8.") from None
    if "%2f" in path.decode("latin-1").lower():
        raise Malformed("Expected names without a slash in the path, got one escaped as %2F. No name has one.")
    if not text.isprintable():
        raise Malformed("Expected printable text in the path, got a control character. No name has one.")
    return text
