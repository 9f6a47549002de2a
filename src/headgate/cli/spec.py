"""Specs on the command line: fields by dotted names, assignments, and what differs between two."""

from collections.abc import Iterable, Mapping
from typing import Any

import click
import msgspec
import yaml

from headgate.conversion import converter
from headgate.errors import Malformed
from headgate.records import EndpointSpec

Spec = Mapping[str, Any]
NONE = "none"
_spec = converter(EndpointSpec)


def whole(spec: Spec) -> dict[str, Any]:
    """The spec with every default. Raises `Malformed` naming the field and what it takes."""
    try:
        complete: dict[str, Any] = msgspec.to_builtins(_spec(dict(spec)))
    except msgspec.ValidationError as error:
        raise Malformed(
            f"The spec is not one of an endpoint: {error}. Fields and values are in docs/reference/spec.md."
        ) from error
    return complete


def fields_of(spec: Spec) -> dict[str, Any]:
    """Every field by its dotted name; texts that are empty are shown as such."""
    found: dict[str, Any] = {}
    for name, value in spec.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            found[name] = value
    return {name: NONE if value == "" else value for name, value in found.items()}


def assigned(spec: Spec, assignments: Iterable[str]) -> dict[str, Any]:
    """The spec after assignments such as "limits.timeout_ms=2000"; values are written as in YAML.

    Raises a usage error for a text that is no assignment, `Malformed` for a field or value that there is not.
    """
    changed: dict[str, Any] = {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in spec.items()
    }
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise click.UsageError(f"Expected FIELD=VALUE, got {assignment!r}.")
        outer, _, inner = name.partition(".")
        part = changed.setdefault(outer, {}) if inner else changed
        if not isinstance(part, dict):
            raise click.UsageError(f"{outer} has no fields of its own: expected {outer}=VALUE, got {assignment!r}.")
        # as it is shown: a version may not be named so without its number
        part[inner or outer] = "" if (name, text) == ("fallback", NONE) else read_value(text)
    return whole(changed)


def read_value(text: str) -> Any:
    """A value as YAML writes it; a text that is no YAML is meant as it stands."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return "" if value is None else value


def differences(before: Spec, after: Spec) -> list[str]:
    """A line for each field that changes."""
    old, new = fields_of(before), fields_of(after)
    return [f"{name}: {old.get(name)} → {value}" for name, value in new.items() if old.get(name) != value]
