"""How people name a version: `fraud:3`, or `fraud@champion` by an alias."""

from headgate.client.connection import Connection, segment
from headgate.errors import InvalidName, NotFound


def locate_version(connection: Connection, name: str) -> tuple[str, int]:
    """Model and number of a version; an alias is looked up.

    Raises `InvalidName` for another form, `NotFound` for an alias that the model does not have.
    """
    model, colon, number = name.rpartition(":")
    if colon and model and number.isdigit():
        return model, int(number)
    model, at, alias = name.rpartition("@")
    if not (at and model and alias):
        raise InvalidName(
            f"Expected a version like fraud:3 or fraud@champion, got {name!r}. See `headgate model list`."
        )
    aliases = connection.get(f"/models/{segment(model)}").get("aliases", {})
    if alias not in aliases:
        known = ", ".join(sorted(aliases)) or "none"
        raise NotFound(f"Model {model} has no alias {alias!r}; it has {known}. See `headgate model show {model}`.")
    return model, int(aliases[alias])


def version_path(connection: Connection, name: str) -> str:
    """Address of a version below the API."""
    model, number = locate_version(connection, name)
    return f"/models/{segment(model)}/versions/{number}"
