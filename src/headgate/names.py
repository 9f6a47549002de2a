"""The one grammar of names, and of free text that people write."""

import re

from headgate.errors import InvalidName, Malformed

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
TEXT_LIMIT = 4_000


def validate_name(text: str, what: str = "name") -> str:
    """The text itself when it is a name; give it decoded exactly once. Raises `InvalidName`."""
    if not _NAME.fullmatch(text):
        raise InvalidName(
            f"{shown(text)} is not a valid {what}: expected a letter or digit, then up to 127 letters, digits, "
            "dots, underscores or hyphens. Choose another one."
        )
    return text


def fold(name: str) -> str:
    """What makes two names the same: names are unique ignoring case."""
    return name.lower()


def validate_text(text: str, what: str, limit: int = TEXT_LIMIT) -> str:
    """The text itself when a database and a page can hold it. Raises `Malformed`."""
    if len(text) > limit:
        raise Malformed(f"The {what} has {len(text)} characters, {limit} are allowed. Shorten it.")
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Malformed(f"The {what} holds a NUL or half a surrogate pair. Send plain Unicode text.")
    return text


def shown(text: str, limit: int = 80) -> str:
    """Text of a stranger in a message: one line, escaped, short."""
    return ascii(text if len(text) <= limit else text[:limit] + "…")
