"""Where an instance answers and with which key: from arguments, the environment, or the home of this machine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.errors import Corrupt, Unreachable
from headgate.home import Home, find_home


@dataclass(frozen=True, slots=True)
class Address:
    """A control plane and the key to show it."""

    url: str
    key: str = field(default="", repr=False)
    home: Home | None = None  # where it was found on this machine
    # a key that the caller named may go wherever the caller points; one found in a home goes to that instance alone
    key_was_given: bool = False
    certificate: str = ""  # file of the very certificate that this instance shows


def find_address(
    url: str | None, key: str | None, home: str | Path | None, environment: Mapping[str, str], start: Path
) -> Address:
    """What was given, or `HEADGATE_URL` and `HEADGATE_KEY`, or the `credentials` of the home.

    The key in a home is shown to the instance of that home only, never to another address.
    Raises `Unreachable` when nothing names an instance, `Corrupt` when the credentials cannot be read.
    """
    place = find_home(start, str(home) if home else environment.get("HEADGATE_HOME"))
    named_url = _first(url, environment.get("HEADGATE_URL")).rstrip("/")
    named_key = _first(key, environment.get("HEADGATE_KEY"))
    found = read_credentials(place)
    local_url = str(found.get("url", "")).rstrip("/")
    if local_url and named_url in ("", local_url):
        return Address(
            local_url,
            named_key or str(found.get("key", "")),
            place,
            key_was_given=bool(named_key),
            certificate=str(found.get("certificate", "")),
        )
    if not named_url:
        raise Unreachable(
            f"Expected a running instance, found no {place.credentials}. "
            "Start one with `headgate up`, or name one with --url or HEADGATE_URL."
        )
    return Address(named_url, named_key, key_was_given=bool(named_key))


def _first(*given: str | None) -> str:
    return next(filter(None, given), "")


def read_credentials(home: Home) -> dict[str, Any]:
    """The home's `credentials`, or nothing where no instance has started yet."""
    try:
        credentials = json.loads(home.credentials.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Corrupt(
            f"Expected JSON with url and key in {home.credentials}, could not read it: {error}. "
            "Restart the instance with `headgate up`, or name one with --url."
        ) from error
    return credentials if isinstance(credentials, dict) else {}
