"""Where two manifests differ, path by path."""

from collections.abc import Iterator
from typing import Any

import msgspec

from headgate.bundle.manifest import Manifest
from headgate.web.api.shapes import Shape


class Difference(Shape):
    """One place with both values; null where one side has nothing there."""

    path: str
    left: Any = None
    right: Any = None


def differences(left: Manifest, right: Manifest) -> list[Difference]:
    """Every place where the two differ, in order. Columns are compared by name, not by position."""
    first, second = dict(_leaves("", _plain(left))), dict(_leaves("", _plain(right)))
    return [
        Difference(path=path, left=first.get(path), right=second.get(path))
        for path in sorted(first.keys() | second.keys())
        if first.get(path) != second.get(path)
    ]


def _plain(manifest: Manifest) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(manifest)
    for side, columns in plain["signature"].items():
        plain["signature"][side] = {column["name"]: column for column in columns}
    return plain


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, each)
    else:
        yield path, value
